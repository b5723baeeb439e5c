/* One stream of answers that does not end while the page lives.
   Gradio sends the answers of all events of a page over one connection (/queue/data) and closes it when none is under
   way. An event that the page posts (/queue/join) after the server has closed and before the page has heard of it goes
   unanswered: the page takes its connection for open and waits for ever. On a busy machine that is a lost click. So the
   page gets a stream of ours, and the server's are opened beneath it whenever an event is under way. */
const answerStream = {
  fetch: window.fetch.bind(window),
  underWay: new Set(),  // ids of events that were posted and have not completed
  page: null,  // what the page reads: where to write, what it asked for
  reading: false,

  start() {
    window.fetch = (input, init) => {
      const address = new URL(input instanceof Request ? input.url : input, document.baseURI);
      if (address.origin !== window.location.origin) return this.fetch(input, init);
      if (address.pathname.endsWith("/gradio_api/queue/join")) return this.post(input, init);
      if (address.pathname.endsWith("/gradio_api/queue/data")) return this.open(new Request(input, init));
      return this.fetch(input, init);
    };
  },

  async post(input, init) {
    const answer = await this.fetch(input, init);
    if (answer.ok) {
      const { event_id: id } = await answer.clone().json();
      if (id) this.underWay.add(id);
      this.read();
    }
    return answer;
  },

  open(request) {
    const page = { request, out: null };
    const body = new ReadableStream({
      start: (out) => { page.out = out; },
      cancel: () => this.leave(page),
    });
    request.signal.addEventListener("abort", () => {  // the page is being left, or gives this stream up for another
      if (this.leave(page)) page.out.close();
    });
    this.page = page;
    this.read();
    return Promise.resolve(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
  },

  leave(page) {
    const left = this.page === page;
    if (left) this.page = null;
    return left;
  },

  /* The server's streams, one after another, until no event is under way. */
  async read() {
    if (this.reading || !this.page) return;
    this.reading = true;
    const page = this.page;
    try {
      do await this.readOne(page); while (this.page === page && this.underWay.size);
    } catch (error) {
      if (this.leave(page)) page.out.error(error);
    } finally {
      this.reading = false;
    }
    if (this.underWay.size) this.read();
  },

  /* One of the server's, to its end. One that ends unannounced was cut off: the next is not asked for at once. */
  async readOne(page) {
    const { url, headers, credentials, signal } = page.request;
    const answer = await this.fetch(url, { headers, credentials, signal });
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
    const bytes = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "", closed = false;
    for (;;) {
      const { done, value } = await bytes.read();
      if (done) break;
      const messages = (text + value).split("\n\n");
      text = messages.pop();
      for (const message of messages) closed = this.pass(page, message) || closed;
    }
    if (!closed) await new Promise((go) => { setTimeout(go, 1000); });
  },

  /* Everything goes to the page but the news that a stream has ended: the page's own has not. True for that news. */
  pass(page, message) {
    const told = message.startsWith("data: ") ? JSON.parse(message.slice("data: ".length)) : {};
    if (told.msg === "close_stream") return true;
    if (told.msg === "process_completed") this.underWay.delete(told.event_id);
    if (told.msg === "unexpected_error" && !told.event_id) this.underWay.clear();  // the page gives up all of them
    if (this.page === page) page.out.enqueue(new TextEncoder().encode(`${message}\n\n`));
    return false;
  },
};
answerStream.start();
