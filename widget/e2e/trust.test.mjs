// The boundary between the widget and the pages around it, in a real browser against the built binary:
// who may frame it, what it keeps, what a hostile page can do, and what `embed.js` does for an honest
// one. Pictures of the embedded page go to ../.test/embed.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch, launchLaptop, violations } from './browser.mjs';
import { startDemo } from './demo.mjs';

const pictures = join(import.meta.dirname, '../../.test/embed');
const contact = 'native:company:alder-finch';

let browser;
before(async () => {
  browser = await launch();
  await mkdir(pictures, { recursive: true });
});
after(() => browser?.close());

/** Serves pages by their path on an origin of its own, and what is asked by fetch beside them. */
async function serve(pages) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const page = pages[pathname];
    const answer = typeof page === 'function' ? page() : page;
    if (pathname === '/favicon.ico') {
      response.writeHead(204).end();
      return;
    }
    const html = typeof answer === 'string' ? answer : answer?.html;
    response.writeHead(answer === undefined ? 404 : 200, {
      'content-type': 'text/html',
      ...answer?.headers,
    });
    response.end(html);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address();
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A CRM page of one's own, as the documentation has it. */
const ownPage = (demo, options = '') => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A CRM of one's own</title>
<style>body { margin: 0 } #pulse { width: 280px }</style></head>
<body><main><h1>Alder</h1><aside id="pulse"></aside></main>
<script src="${demo.api}/embed.js"></script>
<script>
  window.events = [];
  window.asked = 0;
  window.widget = FinancialPulse.mount(document.getElementById('pulse'), {
    tenant: 'demo',
    title: 'Financial Pulse of Alder',
    getToken: async () => {
      window.asked += 1;
      return (await fetch('/token')).text();
    },
    onReady: () => window.events.push('ready'),
    onError: ({ code }) => window.events.push(code),
    ${options}
  });
</script></body></html>`;

/** The policy that the documentation advises, and nothing beyond it. */
const advised = (demo) => ({
  'content-security-policy': `default-src 'none'; script-src 'unsafe-inline' ${demo.api}; style-src 'unsafe-inline'; connect-src 'self'; frame-src ${demo.api}; form-action ${demo.api}`,
});

/** Opens a page and notes what its windows complain about. */
async function open(context, url) {
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

/** The widget's frame once it shows its answer. */
async function widgetOf(page) {
  const element = await page.waitForSelector('#pulse iframe');
  const frame = await element.contentFrame();
  await frame.getByRole('heading', { name: 'Clear to sell' }).waitFor();
  return frame;
}

/** Everything that a browser would keep of the widget's origin. */
const kept = (frame) =>
  frame.evaluate(async () => {
    const count = async (look) => {
      try {
        return await look();
      } catch (error) {
        // What is blocked cannot hold anything.
        if (['SecurityError', 'UnknownError', 'NotSupportedError'].includes(error.name)) return 0;
        throw error;
      }
    };
    return {
      cookies: await count(() => document.cookie.length),
      local: await count(() => localStorage.length),
      session: await count(() => sessionStorage.length),
      databases: await count(async () => (await indexedDB.databases()).length),
      caches: await count(async () => (await caches.keys()).length),
      workers: await count(async () => (await navigator.serviceWorker.getRegistrations()).length),
    };
  });
const nothing = { cookies: 0, local: 0, session: 0, databases: 0, caches: 0, workers: 0 };

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

describe('a page of one’s own', () => {
  let demo;
  let own;
  let signed = 0;
  const token = () => {
    signed += 1;
    return demo.token('finance', contact);
  };
  before(async () => {
    demo = await startDemo({ PULSE_SESSION__LIFETIME: '6s' });
    own = await serve({
      '/': () => ({ html: ownPage(demo), headers: advised(demo) }),
      '/dark': () => ownPage(demo, "theme: 'dark', locale: 'de-DE',"),
      '/refused': () => ownPage(demo, "getToken: () => 'not.a.token',"),
      '/token': token,
    });
    demo.allow(own.origin);
  });
  after(async () => {
    own?.stop();
    await demo?.stop();
  });

  test('embed.js is kept for a while and asked for by its tag', async () => {
    const first = await fetch(`${demo.api}/embed.js`);
    assert.equal(first.status, 200);
    assert.equal(first.headers.get('content-type'), 'text/javascript; charset=utf-8');
    assert.equal(first.headers.get('cross-origin-resource-policy'), 'cross-origin');
    assert.equal(first.headers.get('cache-control'), 'public, max-age=300');
    assert.equal(first.headers.get('x-content-type-options'), 'nosniff');
    assert.match(await first.text(), /^var FinancialPulse=/);
    const tag = first.headers.get('etag');
    for (const known of [tag, `W/${tag}`, `"x", ${tag}`]) {
      const again = await fetch(`${demo.api}/embed.js`, { headers: { 'if-none-match': known } });
      assert.equal(again.status, 304, known);
      assert.equal(again.headers.get('etag'), tag);
      assert.equal(await again.text(), '');
    }
    const other = await fetch(`${demo.api}/embed.js`, { headers: { 'if-none-match': '"x"' } });
    assert.equal(other.status, 200);
  });

  test('shows the widget under the advised policy, with the token in no address', async () => {
    const context = await browser.newContext();
    const addresses = [];
    context.on('request', (request) => addresses.push(request.url()));
    const { page, complaints } = await open(context, own.origin);
    const frame = await widgetOf(page);
    assert.equal(frame.url(), `${demo.api}/embed/demo/native`);
    assert.deepEqual(
      addresses.filter((url) => /eyJ|token=/.test(url)),
      [],
    );
    assert.doesNotMatch(await page.content(), /eyJ/);
    assert.equal(await page.locator('form').count(), 0);
    // The blank page and this one: the token's form left no step.
    assert.equal(await page.evaluate(() => history.length), 2);
    assert.deepEqual(await page.evaluate(() => window.events), ['ready']);
    assert.deepEqual(complaints, []);

    // As tall as what it shows.
    await pause(500);
    const { height } = await page.locator('#pulse iframe').boundingBox();
    const inside = await frame.evaluate(
      () => document.getElementById('app').getBoundingClientRect().height,
    );
    assert.ok(Math.abs(height - inside) <= 2, `${height} px for ${inside} px`);
    await context.close();
  });

  test('renews over several lives, and stops asking once it is destroyed', async () => {
    const context = await browser.newContext();
    const { page, complaints } = await open(context, own.origin);
    const frame = await widgetOf(page);
    await page.waitForFunction(() => window.asked >= 4, undefined, { timeout: 30_000 });
    await frame.getByRole('heading', { name: 'Clear to sell' }).waitFor();
    assert.deepEqual(complaints, []);
    await page.evaluate(() => window.widget.destroy());
    assert.equal(await page.locator('iframe').count(), 0);
    const asked = await page.evaluate(() => window.asked);
    await pause(6_500);
    assert.equal(await page.evaluate(() => window.asked), asked);
    await context.close();
  });

  test('comes back by itself after the laptop slept through the end of the session', async () => {
    const { browser: laptop, sleep, close } = await launchLaptop();
    try {
      const context = await laptop.newContext();
      const { page } = await open(context, own.origin);
      const frame = await widgetOf(page);
      const before = signed;
      await sleep(9_000);
      assert.equal(signed, before, 'it did not sleep');
      await page.waitForFunction(() => window.asked > 1);
      await frame.getByRole('heading', { name: 'Clear to sell' }).waitFor();
      await frame.getByText('Updates by itself').waitFor();
      await context.close();
    } finally {
      await close();
    }
  });

  test('changes theme and language while it is open, and begins with those that were asked', async () => {
    const context = await browser.newContext({
      viewport: { width: 280, height: 1400 },
      colorScheme: 'light',
      reducedMotion: 'reduce',
    });
    const { page, complaints } = await open(context, own.origin);
    const frame = await widgetOf(page);
    const ground = () => frame.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const [light, dark] = ['rgb(255, 255, 255)', 'rgb(21, 24, 29)'];
    const become = async (theme, color) => {
      await page.evaluate((chosen) => window.widget.setTheme(chosen), theme);
      await frame.waitForFunction(
        (expected) => getComputedStyle(document.body).backgroundColor === expected,
        color,
      );
      assert.deepEqual(await violations(frame), []);
    };
    assert.equal(await ground(), light);
    await frame.getByText('Updates by itself').waitFor();
    await pause(300);
    await page.screenshot({ path: join(pictures, 'own-280-light.png') });
    await become('dark', dark);
    await page.screenshot({ path: join(pictures, 'own-280-dark.png') });
    // The page's choice goes before the system's.
    await page.emulateMedia({ colorScheme: 'dark' });
    await become('light', light);
    await become('auto', dark);

    await page.evaluate(() => window.widget.setLocale('de-DE'));
    await frame.getByText('Offen').first().waitFor();
    assert.equal(await frame.evaluate(() => document.documentElement.lang), 'de-DE');
    await page.evaluate(() => window.widget.setLocale('en-US'));
    await frame.getByText('Outstanding').first().waitFor();
    assert.deepEqual(complaints, []);

    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(`${own.origin}/dark`);
    const german = await (await page.waitForSelector('#pulse iframe')).contentFrame();
    await german.waitForSelector('h1');
    assert.equal(await german.evaluate(() => document.documentElement.dataset.theme), 'dark');
    assert.equal(await german.evaluate(() => document.documentElement.lang), 'de-DE');
    await context.close();
  });

  test('is told where the token is refused', async () => {
    const context = await browser.newContext();
    const { page } = await open(context, `${own.origin}/refused`);
    await page.waitForFunction(() => window.events.length > 0);
    assert.deepEqual(await page.evaluate(() => window.events), ['NOT_READY']);
    await context.close();
  });
});

describe('around the widget', () => {
  let demo;
  let listed;
  let stranger;
  let stolen;
  const framed = (url) =>
    `<!doctype html><title>frame</title><iframe id="f" src="${url}"></iframe>`;
  const embed = () =>
    `${demo.api}/embed/demo/native?theme=light&token=${demo.token('finance', contact)}#fragment`;

  before(async () => {
    demo = await startDemo();
    const pages = {
      '/frame': () => framed(embed()),
      '/own': () => ownPage(demo),
      '/token': () => demo.token('finance', contact),
    };
    stranger = await serve({
      ...pages,
      // Shouts into the first frame of the page that it stands in.
      '/neighbor': `<!doctype html><script>
        onmessage = ({ data }) => { for (const one of data) parent.frames[0].postMessage(one, '*'); };
      </script>`,
      '/to-host': `<!doctype html><script>
        onmessage = ({ data }) => { for (const one of data) parent.postMessage(one, '*'); };
      </script>`,
      '/nested': () => framed(`${listed.origin}/frame`),
    });
    listed = await serve({
      ...pages,
      '/stolen': () => framed(stolen),
      '/hostile': () => `${ownPage(demo)}
        <iframe id="neighbor" src="${stranger.origin}/neighbor"></iframe>
        <iframe id="to-host" src="${stranger.origin}/to-host"></iframe>`,
    });
    demo.allow(listed.origin);
  });
  after(async () => {
    listed?.stop();
    stranger?.stop();
    await demo?.stop();
  });

  /** The frame of a page, and whether the widget stands in it. */
  async function shows(page, within) {
    const element = await page.waitForSelector('iframe');
    const frame = await element.contentFrame();
    try {
      await frame.getByRole('heading', { name: 'Clear to sell' }).waitFor({ timeout: within });
      return true;
    } catch {
      return false;
    }
  }

  test('only an origin that the tenant lists may frame it, at every level', async () => {
    const context = await browser.newContext();
    const allowed = await open(context, `${listed.origin}/frame`);
    assert.equal(await shows(allowed.page, 20_000), true);
    assert.deepEqual(allowed.complaints, []);
    // Query and fragment are gone.
    const [, inner] = allowed.page.frames();
    assert.equal(inner.url(), `${demo.api}/embed/demo/native`);
    assert.equal(await inner.evaluate(() => location.hash + location.search), '');

    const others = {
      'another port': `${stranger.origin}/frame`,
      'the same server by another name': `http://localhost:${listed.port}/frame`,
      'a page of the listed origin in a page of another': `${stranger.origin}/nested`,
    };
    for (const [who, url] of Object.entries(others)) {
      const { page, complaints } = await open(context, url);
      assert.equal(await shows(page, 4_000), false, who);
      for (const frame of page.frames()) {
        assert.doesNotMatch(await frame.content(), /pulse-boot|Alder|Clear to sell/, who);
      }
      assert.match(complaints.join('\n'), /frame-ancestors/, who);
      await page.close();
    }
    await context.close();
  });

  test('a one-time code opens the page once; who finds its address gets nothing', async () => {
    const answer = await fetch(`${demo.api}/exchange/demo/native?give=code`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: demo.token('finance', contact) }),
    });
    assert.equal(answer.status, 200);
    ({ url: stolen } = await answer.json());
    const context = await browser.newContext();
    const first = await open(context, `${listed.origin}/stolen`);
    assert.equal(await shows(first.page, 20_000), true);
    const [, inner] = first.page.frames();
    assert.equal(inner.url(), `${demo.api}/embed/code`);
    assert.deepEqual(first.complaints, []);
    // In the same browser and in another one, framed and by itself.
    for (const where of [context, await browser.newContext()]) {
      const { page } = await open(where, `${listed.origin}/stolen`);
      assert.equal(await shows(page, 4_000), false);
      const alone = await where.newPage();
      const refused = await alone.goto(stolen);
      assert.equal(refused.status(), 401);
      assert.doesNotMatch(await alone.content(), /pulse-boot|Alder/);
      await where.close();
    }
  });

  test('it works where cookies of third parties are blocked, and keeps nothing anywhere', async () => {
    const strict = await launch(['--test-third-party-cookie-phaseout']);
    // A third party that does set a cookie proves that they are blocked.
    const setter = await serve({
      '/': {
        html: `<!doctype html><title>third</title>`,
        headers: { 'set-cookie': 'third=party; SameSite=None; Secure' },
      },
    });
    try {
      const context = await strict.newContext();
      const { page, complaints } = await open(context, `${listed.origin}/own`);
      const frame = await widgetOf(page);
      await frame.getByText('Updates by itself').waitFor();
      assert.deepEqual(await kept(frame), nothing);
      assert.deepEqual(await context.cookies(), []);
      assert.deepEqual(complaints, []);
      await page.evaluate((src) => {
        const third = document.createElement('iframe');
        third.id = 'third';
        third.src = src;
        document.body.append(third);
      }, `http://localhost:${setter.port}/`);
      const third = await (await page.waitForSelector('#third')).contentFrame();
      await third.waitForLoadState();
      await third.evaluate(() => (document.cookie = 'own=1; SameSite=None; Secure'));
      assert.equal(await third.evaluate(() => document.cookie), '');
      assert.deepEqual(await context.cookies(), []);
      await context.close();
    } finally {
      setter.stop();
      await strict.close();
    }

    // Also where they are allowed, with everything opened that can be.
    const context = await browser.newContext();
    const { page } = await open(context, `${listed.origin}/own`);
    const frame = await widgetOf(page);
    for (const summary of await frame.locator('summary').all()) await summary.click();
    await frame.locator('main li > [aria-expanded]').first().click();
    await frame.getByText('Updates by itself').waitFor();
    assert.deepEqual(await kept(frame), nothing);
    assert.deepEqual(await context.cookies(), []);
    await context.close();
  });

  test('a hostile page and its frames change nothing by forged messages', async () => {
    const context = await browser.newContext();
    const { page } = await open(context, `${listed.origin}/hostile`);
    const exchanges = [];
    page.on('request', (request) => {
      if (request.url().includes('/exchange/')) exchanges.push(request.url());
    });
    const frame = await widgetOf(page);
    await page.waitForTimeout(500);
    const before = await frame.innerText('main');
    const height = (await page.locator('#pulse iframe').boundingBox()).height;
    const asked = await page.evaluate(() => window.asked);
    const crooked = [
      ...[0, 1, '1', 'x'.repeat(100_000), { a: 1 }].map((id) => ({
        type: 'pulse:token',
        protocol: 1,
        id,
        token: 'forged',
      })),
      { type: 'pulse:theme', protocol: 1, theme: '__proto__' },
      { type: 'pulse:theme', protocol: 1, theme: { toString: 'dark' } },
      { type: 'pulse:theme', protocol: 2, theme: 'dark' },
      { type: 'pulse:locale', protocol: 1, locale: '../../../assets/evil' },
      { type: '__proto__', protocol: 1 },
      { type: 'constructor', protocol: 1 },
      JSON.parse('{"__proto__":{"polluted":1},"type":"pulse:ready","protocol":1}'),
      JSON.parse('{"constructor":{"prototype":{"polluted":1}},"type":"pulse:token","protocol":1}'),
      null,
      'pulse:token',
      [1, 2, 3],
      1e9,
    ];
    // The host itself, which may speak: whatever is no message of the protocol changes nothing.
    await page.evaluate((messages) => {
      const [target] = document.querySelectorAll('#pulse iframe');
      for (let round = 0; round < 100; round += 1) {
        for (const message of messages) target.contentWindow.postMessage(message, '*');
      }
    }, crooked);
    // A frame beside it, of another origin: not even what the host could say.
    const wishes = [
      { type: 'pulse:theme', protocol: 1, theme: 'dark' },
      { type: 'pulse:locale', protocol: 1, locale: 'de-DE' },
    ];
    await page.evaluate(
      (messages) => document.getElementById('neighbor').contentWindow.postMessage(messages, '*'),
      [...crooked, ...wishes],
    );
    // And towards the host, in the widget's name.
    await page.evaluate(
      (messages) => document.getElementById('to-host').contentWindow.postMessage(messages, '*'),
      [
        { type: 'pulse:resize', protocol: 1, height: 1e9 },
        { type: 'pulse:renew', protocol: 1, id: 'steal' },
        { type: 'pulse:ready', protocol: 1 },
      ],
    );
    await page.waitForTimeout(1_500);

    assert.equal(await frame.innerText('main'), before);
    assert.equal(await frame.evaluate(() => document.documentElement.dataset.theme), undefined);
    assert.equal(await frame.evaluate(() => document.documentElement.lang), 'en');
    assert.equal((await page.locator('#pulse iframe').boundingBox()).height, height);
    assert.equal(await page.evaluate(() => window.asked), asked);
    assert.deepEqual(await page.evaluate(() => window.events), ['ready']);
    assert.deepEqual(exchanges, []);
    for (const each of page.frames()) {
      assert.equal(await each.evaluate(() => ({}).polluted), undefined);
    }
    await context.close();
  });

  test('a host that answers with another contact’s token gets nothing of it', async () => {
    const short = await startDemo({ PULSE_SESSION__LIFETIME: '5s' });
    let tokens = 0;
    const crossed = await serve({
      '/': () => ownPage(short),
      '/token': () =>
        short.token('finance', tokens++ === 0 ? contact : 'native:company:copperfield'),
    });
    try {
      short.allow(crossed.origin);
      const context = await browser.newContext();
      const { page } = await open(context, crossed.origin);
      const frame = await widgetOf(page);
      await frame.getByRole('heading', { name: 'Session ended' }).waitFor({ timeout: 10_000 });
      assert.ok(tokens > 1);
      assert.doesNotMatch(await frame.innerText('main'), /Copperfield|Alder|\$/);
      await context.close();
    } finally {
      crossed.stop();
      await short.stop();
    }
  });

  test('a page whose CRM signs once goes on from its own session, up to the hard cap', async () => {
    const short = await startDemo({
      PULSE_SESSION__LIFETIME: '4s',
      PULSE_SESSION__HARD_CAP: '15s',
    });
    const token = short.zendesk();
    let signed = 0;
    const zendesk = await serve({
      '/': () => ownPage(short, "preset: 'zendesk', contact: 'user:7',"),
      '/token': () => {
        signed += 1;
        return token();
      },
    });
    try {
      short.allow(zendesk.origin);
      const context = await browser.newContext();
      const { page } = await open(context, zendesk.origin);
      const exchanges = [];
      page.on('request', (request) => {
        const { pathname } = new URL(request.url());
        if (pathname.startsWith('/exchange/')) exchanges.push(pathname);
      });
      const element = await page.waitForSelector('#pulse iframe');
      const frame = await element.contentFrame();
      const shown = frame.getByRole('heading', { name: 'Not linked' });
      await shown.waitFor();
      const began = Date.now();
      await pause(9_000);
      assert.equal(await shown.count(), 1);
      await frame.getByRole('heading', { name: 'Session ended' }).waitFor({ timeout: 10_000 });
      assert.ok(Date.now() - began < 16_500, `${Date.now() - began} ms`);
      assert.match(await frame.innerText('main'), /as long as it may. Reload it/);
      assert.equal(await frame.getByRole('button').count(), 0);
      assert.ok(exchanges.length >= 3, String(exchanges));
      assert.ok(exchanges.every((path) => path === '/exchange/session'));
      const count = exchanges.length;
      await pause(2_000);
      assert.equal(exchanges.length, count);
      assert.equal(signed, 1);
      await context.close();
    } finally {
      zendesk.stop();
      await short.stop();
    }
  });
});
