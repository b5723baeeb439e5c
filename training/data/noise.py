"""Lines that stand on pages and belong to nobody's answer: adverts, share bars, votes, comments, navigation."""

import random

FIXED = [
    "ADVERTISEMENT",
    "Advertisement",
    "- Advertisement -",
    "Article continues below advertisement",
    "Sponsored content",
    "Skip Ad",
    "Jump to Content",
    "Jump to Recipe",
    "Print",
    "Print this page",
    "Save",
    "Pin",
    "Pin it for later!",
    "Share",
    "Share on Facebook",
    "Tweet",
    "Email this to a friend",
    "Follow us on Instagram",
    "Subscribe to our newsletter",
    "Sign up and never miss a post",
    "Enter your email address",
    "Read more",
    "Read More »",
    "Continue reading",
    "Click here for more",
    "Leave a comment",
    "Reply",
    "Log in to comment",
    "Load more comments",
    "Cookie settings",
    "We use cookies to improve your experience.",
    "Accept all",
    "Home > Blog > Archive",
    "Previous post",
    "Next post",
    "Back to top",
    "You may also like",
    "Related posts",
    "Rate this",
    "Did you like this? Leave a rating below!",
    "This post may contain affiliate links.",
    "Photo credit: the author",
    "Loading...",
    "Menu",
    "Search",
    "Skip to main content",
    "Table of contents",
    "US Customary  Metric",
    "1x 2x 3x",
    "Cook Mode Prevent your screen from going dark",
    "*****",
    "---",
    "* * *",
    "Advertisement: click to win",
    "Shop the look",
    "SALE ends tonight!!!",
    "BUY NOW",
    "Watch the video",
    "Video Player is loading.",
    "0 seconds of 1 minute, 12 seconds",
]

NAMES = [
    "Anna",
    "Ben",
    "Carla",
    "Dev",
    "Elif",
    "Femi",
    "Grace",
    "Hugo",
    "Ines",
    "Jonas",
    "Kate",
    "Luca",
    "Mina",
    "Noor",
    "Olga",
    "Pia",
    "Quinn",
    "Rosa",
    "Sam",
    "Tara",
    "Uma",
    "Viktor",
    "Wen",
    "Xena",
    "Yara",
    "Zoe",
    "Maria",
    "Tom",
    "Lena",
    "Omar",
]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
PRAISE = (
    "Love this!",
    "Made it twice already.",
    "So helpful, thank you",
    "My kids were thrilled.",
    "Can't wait to try this",
    "Five stars from me",
    "Great post as always",
    "This did not work for me at all.",
    "Yum!",
    "Best one so far",
)


def date(rng: random.Random) -> str:
    month, day, year = rng.choice(MONTHS), rng.randint(1, 28), rng.randint(2009, 2026)
    return rng.choice((f"{month} {day}, {year}", f"{day} {month} {year}", f"{day:02d}.{rng.randint(1, 12):02d}.{year}"))


def noise_line(rng: random.Random) -> str:
    """One line of page furniture."""
    roll = rng.random()
    if roll < 0.62:
        line = rng.choice(FIXED)
        return line.upper() if rng.random() < 0.08 else line
    name = rng.choice(NAMES)
    return rng.choice(
        (
            f"By {name} {rng.choice('ABCDEFGHKLMRST')}.",
            f"Posted on {date(rng)}",
            f"Updated {date(rng)} by {name}",
            f"{rng.randint(2, 940)} comments",
            f"{rng.randint(1, 40)}.{rng.randint(1, 9)}k shares",
            f"{rng.choice('345')}.{rng.randint(0, 9)} from {rng.randint(3, 800)} votes",
            f"{name} says: {rng.choice(PRAISE)}",
            f"{rng.choice(PRAISE)} - {name}",
            f"Rating: {rng.choice('345')}/5 ({rng.randint(2, 900)})",
            f"Photo: {name}",
            f"{rng.randint(2, 12)} min read",
            f"© {rng.randint(2012, 2026)} {name}'s page",
            f"Filed under: {rng.choice(MONTHS)}",
            f"#{name.lower()} #{rng.choice(MONTHS).lower()}",
        )
    )
