"""What each goal is about, for who reads the evidence: what was done, what exists elsewhere, what was assumed."""

import msgspec


class Story(msgspec.Struct, frozen=True):
    """``what``: what was done and what counts. ``exists``: the best figure known elsewhere."""

    title: str
    what: str
    exists: str


STORIES: dict[str, Story] = {
    "rings": Story(
        "Rings caused by hostile starts",
        "Every kind of attacker starts sign-ins over HTTP at numbers that are all enrolled, with phones that can all be"
        " woken; a ring is a message that reaches the push service, or a request that a phone shows unasked.",
        "one ring per start (Keycloak CIBA, privacyIDEA, the e-CPS).",
    ),
    "takeovers": Story(
        "Takeovers when people approve what they see",
        "The same attackers, while phones listen and approve, with a good signature, 1 %, 5 % and 100 % of what they"
        " show unasked; a takeover is a sign-in that the attacker finishes in his browser, or a token that he fetches."
        " The same attacks are then replayed against three other designs, in a simulator.",
        "at 1 % reflex and 1.5 M tries: 15,000 by tap, 5,000 by picking 1 of 3, 150 by typing two digits.",
    ),
    "spray": Story(
        "A campaign of one try for each number, from everywhere",
        "Tries that share no address, no browser and no number are mixed into honest traffic with its weeks and drifts;"
        " counted are the tries before the first alarm, and the alarms of years without any attack.",
        "common rules need 25 tries within 15 minutes; a published rule for slow sprays fires 10,906 times a day.",
    ),
    "evasion": Story(
        "An attacker who knows the detector",
        "Strategies that imitate honest outcomes, mix in their own accounts or keep to leaked numbers; the worst of"
        " them counts.",
        "nobody publishes this.",
    ),
    "races": Story(
        "Sign-ins that race each other",
        "While she signs in, an attacker starts at the same service from the same network, then tries to finish, to"
        " swap the two requests, and to use her approval again; a wrong approval is any of these that succeeds.",
        "schemes that let her compare and confirm fail here (Jubur and others, 2024).",
    ),
    "relay": Story(
        "A code that is shown to her on another screen",
        "An attacker opens a sign-in and shows its code to her later, elsewhere; she scans whatever she sees and"
        " approves. How late decides, and the phone compares its own network with the screen's.",
        "Smart-ID and BankID redraw each second and accept three seconds; the live rate is published by nobody.",
    ),
    "owner": Story(
        "She signs in while her number is attacked",
        "Thousands of hostile starts name her number, through the page and through a service; in between she signs in"
        " by scanning, with one tap in her known browser, and by carrying a service's code.",
        "lock-out after 3 to 10 failures (Authelia, zeroid, Duo).",
    ),
    "helpdesk": Story(
        "A false help desk, and a victim who reads out everything",
        "An attacker has her number, her mail and her mobile, and every code she receives; counted are the phones that"
        " can approve. Then each message that she received is used to cancel.",
        "fewer than 15 known cases, all succeeded.",
    ),
    "not_me": Story(
        "From \"not me\" to everything dead",
        "She has sessions, tokens, a known browser and requests that wait; the time runs from her tap until each of"
        " them is refused and her service has received its back-channel logout.",
        "no product publishes this time.",
    ),
    "secrecy": Story(
        "Enrolled or not, from outside",
        "Numbers of both kinds are named in random order on one connection; a classifier learns on one half of the"
        " answers (status, headers, bytes, time) and is judged on the other. 0.5 is a coin.",
        "Smart-ID answers 404 when there is no account.",
    ),
    "engine": Story(
        "The watch on one core",
        "Events a second, the time of the slowest hundredth, and the memory with 1.5 M people and 10 M sources.",
        "an open engine: 7,204 a second, 0.30 ms, 1,539 MB.",
    ),
    "risk": Story(
        "The risk of a completed sign-in",
        "Attackers who know what they imitate, against the histories of people who sign in; extra proofs are counted"
        " for the honest ones.",
        "99.5 % of targeted attackers stopped at a median of 5 extra proofs in the first 12 sign-ins (2022).",
    ),
}  # fmt: skip

ASSUMPTIONS = (
    "Honest outcomes of starts in unknown browsers: 93.5 % completed, 5 % abandoned, 1 % from numbers without a phone,"
    " 0.5 % refused; hostile ones: 0.05 %, 25 %, 70 %, 4.95 %. Nobody publishes these rates for health services.",
    "4,000 honest starts in unknown browsers a day, with the hours and Mondays of surgeries and wards; every base"
    " rate drifts by half as a wave of 60 to 120 days, and differs by 5 % from one day to the next. There are no"
    " holidays, no outages and no growth. How often honest days look like a campaign hangs on that 5 %: the lines at"
    " 10 % and 15 % say how much.",
    "4 % of honest starts are the first of somebody at that service; of numbers taken from the register 97 % are. The"
    " ends of hostile tries are those for which the detector's designs were made; thresholds were chosen on other"
    " seeds.",
    "Six weeks of ordinary days come before anything is counted, and nobody attacks in them; a campaign begins while no"
    " alarm is open; an officer calls each false alarm ordinary a day later.",
    "The other designs are arithmetic: they restate the reflex and the number of choices on the same attempts. Their"
    " rows count a request for each attempt that would have rung; Lucine's rows count attempts.",
    'A risky sign-in is "stopped" when one more proof is asked or it is held: whoever has her approve a second time'
    " on his own screen (the live relay above) passes. First sign-ins have nothing to be compared with.",
    "Secrecy is measured on one connection that does nothing else, with valid numbers only; an area under the curve"
    " cannot see a tell that shows for one person in fifty.",
    "The reflex: whoever approves by reflex does so for 1 % of what her phone shows (Microsoft's first prompts), and"
    " without looking: 1 in 3 at picking, 1 in 100 at two digits. 5 % and 100 % bound the doubt.",
    "People, numbers, browsers and services are invented; networks are those of the public lists that Connect ships.",
    "An officer takes back whatever measures the watch takes during a run, so that the attack meets Connect itself;"
    " only while the owner's number is attacked do the measures stay.",
    "A phone and its key are software here: a stolen, unlocked phone or malware on it is another matter.",
)
