#!/usr/bin/python3
"""The metrics page in a browser: live figures, the owner's tables, hostile names, both schemes, a phone's width."""
from browser import Browser
from metrics import Page
from zchat_test import check, equal, run_tests, test, wait_until

TEXT = "document.body.innerText"


def opened(scene):
    broker = scene.broker("--metrics", "127.0.0.1:0")
    page, browser = Page(broker), Browser(scene)
    browser.call("Page.navigate", url=f"http://127.0.0.1:{page.port}/")
    wait_until(lambda: browser.run("document.getElementById('health')?.textContent") == "well", "the page is alive")
    return broker, page, browser


def tile(browser, name):
    return browser.run("[...document.querySelectorAll('#tiles div')].find((box) => box.firstChild.textContent === "
                       f"'{name}').lastChild.textContent")


@test
def figures_come_alive_and_nothing_foreign_is_asked(scene):
    broker, page, browser = opened(scene)
    alice = scene.person("alice", broker)
    equal(tile(browser, "Rooms"), "0", "rooms at first")
    alice.ok("join", "#lobby")
    alice.ok("send", "#lobby", "--lines", stdin=b"hello\n" * 200)
    wait_until(lambda: tile(browser, "Rooms") == "1", "the room is shown")
    wait_until(lambda: browser.run("[...document.querySelectorAll('.chart .line')].filter((line) => "
                                   "(line.getAttribute('d') || '').length > 40).length") >= 8, "lines are drawn")
    told = browser.run("[...document.querySelectorAll('.chart svg[role=img]')].map((svg) => svg.getAttribute('aria-label'))")
    check(len(told) == 8 and all(": " in text for text in told), f"charts in words: {told}")
    check("200" in browser.run("document.getElementById('counts').innerText"), "posts are counted")
    own = f"http://127.0.0.1:{page.port}/"
    check(all(url.startswith(own) or url == "about:blank" for url in browser.asked()), f"{set(browser.asked())}")
    equal([text for text in browser.complaints() if "favicon" not in text], [], "what the browser complains of")


@test
def hostile_names_are_only_text(scene):
    broker, page, browser = opened(scene)
    alice = scene.person("alice", broker)
    topic = '<img src=x onerror="window.stolen=1"></script><script>window.stolen=1</script>'
    alice.ok("room", "create", "#lobby")
    alice.ok("room", "topic", "#lobby", topic)
    tail = alice.tail("#lobby")
    wait_until(lambda: page.figures()["sessions"] > 0, "she is here")
    browser.run("document.getElementById('token').value = 'this-is-not-the-token'; document.getElementById('ask').requestSubmit()")
    wait_until(lambda: "This is not the token" in browser.run(TEXT), "a wrong token is told")
    token = page.token_file.read_text().strip()
    browser.run(f"document.getElementById('token').value = '{token}'; document.getElementById('ask').requestSubmit()")
    wait_until(lambda: topic in browser.run("document.getElementById('rooms').innerText"), "the topic is shown as it is")
    wait_until(lambda: "alice" in browser.run("document.getElementById('sessions').innerText"), "the session is shown")
    equal(browser.run("document.querySelectorAll('#rooms img, #rooms script').length"), 0, "elements made of a topic")
    equal(browser.run("String(window.stolen)"), "undefined", "what a topic did")
    check(token not in browser.run("location.href + document.cookie + document.documentElement.outerHTML + "
                                   "JSON.stringify({...localStorage, ...sessionStorage})"), "the token is kept somewhere")
    browser.run("document.getElementById('forget').click()")
    equal(browser.run("document.getElementById('owner').hidden + document.getElementById('rooms').innerText"), "true",
          "forgotten")
    tail.stop()


@test
def the_policy_stops_what_is_not_the_pages_own(scene):
    _, _, browser = opened(scene)
    browser.run("const foreign = document.createElement('script'); foreign.textContent = 'window.stolen=1'; "
                "document.body.append(foreign)")
    equal(browser.run("String(window.stolen)"), "undefined", "a script that was put in")
    equal(browser.run("fetch('http://127.0.0.1:1/').then(() => 'asked', () => 'stopped')"), "stopped", "another origin")
    check(any("Content Security Policy" in text for text in browser.complaints()), "the browser says why")


@test
def a_phone_and_both_schemes_can_read_it(scene):
    _, _, browser = opened(scene)
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        for width in (320, 768, 1600):
            browser.size(width, 800, is_phone=width < 700)
            equal(browser.run("document.documentElement.scrollWidth > innerWidth"), False, f"{scheme} {width}: sideways")
        worst = browser.run("""(() => {
            const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map((v) => { v /= 255;
                return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
            const style = (e) => getComputedStyle(e);
            let worst = 99;
            for (const e of document.querySelectorAll('h1, h2, h3, p, dt, dd, li, th, td, caption, label, button, .chart text')) {
                let behind = e; while (behind && style(behind).backgroundColor === 'rgba(0, 0, 0, 0)') behind = behind.parentElement;
                const a = light(e.tagName === 'text' ? style(e).fill : style(e).color), b = light(style(behind).backgroundColor);
                worst = Math.min(worst, (Math.max(a, b) + .05) / (Math.min(a, b) + .05));
            }
            return worst; })()""")
        check(worst >= 4.5, f"{scheme}: contrast {worst:.2f} is below 4.5")


@test
def a_broker_that_is_gone_is_told(scene):
    broker, _, browser = opened(scene)
    broker.stop()
    wait_until(lambda: browser.run("document.getElementById('health').textContent") == "no answer", "it says so")
    check("(!)" in browser.run("document.title"), "in the title too")


if __name__ == "__main__":
    run_tests()
