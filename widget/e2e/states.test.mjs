// Every situation of fixtures.mjs in a real browser, under the content security policy of the
// server: nothing that axe objects to, nothing wider than the narrowest sidebar, nothing that only a
// mouse can do. Needs `npm run build` and Chromium.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, violations } from './browser.mjs';
import { start } from './fixture-server.mjs';
import { scenarios } from './fixtures.mjs';

let browser;
let server;

before(async () => {
  [browser, server] = await Promise.all([launch(), start()]);
});
after(async () => {
  server.stop();
  await browser.close();
});

/** Opens a scenario and notes what the page complains about and what it asks the server. */
async function open(name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 280, height: 600 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  const queries = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/graphql'))
      queries.push(/^\w+ (\w+)/.exec(request.postDataJSON().query)[1]);
  });
  await page.goto(`${server.url}/embed/${name}`);
  await page.locator('h1').first().waitFor({ state: 'attached' });
  if (!scenarios[name].hangs) await page.locator('[aria-busy=true]').waitFor({ state: 'detached' });
  return { page, complaints, queries, close: () => context.close() };
}

for (const name of Object.keys(scenarios)) {
  test(`${name}: axe finds nothing, and it fits`, async () => {
    // Without motion, so that no color is looked at on its way from one theme to the other.
    const { page, complaints, close } = await open(name, { reducedMotion: 'reduce' });
    for (const summary of await page.locator('summary').all()) await summary.click();
    for (const row of await page.locator('main li > [aria-expanded]').all()) await row.click();
    await page.locator('main li [aria-busy=true]').first().waitFor({ state: 'detached' });
    for (const [colorScheme, width] of [
      ['light', 280],
      ['dark', 480],
    ]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 600 });
      assert.deepEqual(await violations(page), []);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${wide} px wide at ${width}`);
    }
    assert.deepEqual(complaints, []);
    await close();
  });
}

test('text of twice the size still fits the narrowest sidebar', async () => {
  const { page, close } = await open('chronicallyLate');
  await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 280, `${wide} px wide`);
  await close();
});

test('a pushed pulse changes the page: no reload, no query of its own, and it is announced', async () => {
  const { page, queries, close } = await open('chronicallyLate');
  await page.getByText('Updates by itself').waitFor();
  const loaded = await page.evaluate(() => performance.timeOrigin);
  assert.match(await page.locator('dl').first().innerText(), /\$13,800\.00/);

  await fetch(`${server.url}/pay/chronicallyLate`, { method: 'POST' });
  await page.getByRole('heading', { name: 'Clear to sell' }).waitFor();
  assert.doesNotMatch(await page.locator('dl').first().innerText(), /\$13,800\.00/);
  assert.equal(
    await page.getByRole('status').innerText(),
    'Updated. Clear to sell. Outstanding: Nothing.',
  );
  assert.equal(await page.evaluate(() => performance.timeOrigin), loaded);
  assert.deepEqual(queries, ['Pulse']);
  await close();
});

test('the keyboard reaches everything, and the focus is never lost', async () => {
  const { page, queries, close } = await open('fine');
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press('Tab');
  assert.match(await focused(), /^Payment 2214/);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('table', { name: 'Lines of Invoice 1081' }).waitFor();
  assert.deepEqual(queries, ['Pulse', 'TransactionDetails']);

  const more = page.getByRole('button', { name: 'Show more' });
  await more.focus();
  // Not for a moment either: whoever presses Tab in it would begin at the top of the page.
  await page.evaluate(() => {
    globalThis.focusLost = 0;
    new MutationObserver(() => {
      if (document.activeElement === document.body) globalThis.focusLost += 1;
    }).observe(document.body, { childList: true, subtree: true });
  });
  for (let shown = 15; shown <= 35; shown += 10) {
    await page.keyboard.press('Enter');
    await page.getByText(`${shown} of 35`, { exact: true }).waitFor();
  }
  // All are shown and the button is gone: the focus is on the first of the new ones.
  await more.waitFor({ state: 'detached' });
  assert.match(await focused(), /^Invoice/);
  assert.equal(await page.evaluate(() => globalThis.focusLost), 0);
  assert.equal(await page.getByRole('status').innerText(), '35 of 35 documents shown.');
  await close();
});

test('a search by keyboard links the contact and shows its pulse', async () => {
  const { page, close } = await open('notLinkedFinance');
  await page.getByRole('searchbox').focus();
  await page.keyboard.type('bright');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Link to Bright & Daughters Ltd.' }).press('Enter');
  const answer = page.getByRole('heading', { name: 'Clear to sell' });
  await answer.waitFor();
  assert.ok(await answer.evaluate((heading) => heading === document.activeElement));
  await close();
});

test('the token leaves the address', async () => {
  const { page, close } = await open('fine');
  await page.goto(`${server.url}/embed/fine?token=secret&id=7#code`);
  await page.getByRole('heading', { name: 'Clear to sell' }).waitFor();
  assert.equal(page.url(), `${server.url}/embed/fine`);
  assert.equal(
    await page.evaluate(() => Object.keys({ ...localStorage, ...sessionStorage }).length),
    0,
  );
  await close();
});

/** A page of one of the CRMs, which frames the widget from another origin, once it shows figures. */
async function visit(crm) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  server.exchanged.length = 0;
  await page.goto(`${server.url}/host/${crm}`);
  const widget = page.frameLocator('iframe').first();
  await widget.getByRole('heading', { name: 'Clear to sell' }).waitFor();
  assert.equal(
    page.frames()[1].url(),
    page
      .frames()[1]
      .url()
      .replace(/[?#].*/, ''),
  );
  return { page, widget, complaints, close: () => context.close() };
}

test('Pipedrive’s own kit is initialized at once and renews the session', async () => {
  const { page, widget, complaints, close } = await visit('pipedrive');
  await page.waitForFunction(() =>
    /^\/initialize.*get_signed_token.*get_signed_token/.test(document.title),
  );
  await widget.getByRole('heading', { name: 'Clear to sell' }).waitFor();
  assert.ok(server.exchanged.every(({ at, token }) => at === 'pipedrive' && token === 'fresh'));
  assert.deepEqual(complaints, []);
  await close();
});

test('monday’s own kit names the record and renews the session', async () => {
  const { page, widget, complaints, close } = await visit('monday');
  await page.waitForFunction(() =>
    /^\/context\/sessionToken\/sessionToken\/sessionToken/.test(document.title),
  );
  await widget.getByRole('heading', { name: 'Clear to sell' }).waitFor();
  assert.ok(server.exchanged.length >= 2);
  for (const shown of server.exchanged) {
    assert.deepEqual(shown, { at: 'monday', token: 'fresh', contact: 'item:5' });
  }
  assert.deepEqual(complaints, []);
  await close();
});

test('Salesforce’s own kit renews the session, whatever a neighbor answers in its place', async () => {
  const { page, widget, complaints, close } = await visit('canvas');
  await page.waitForFunction(() => /refresh.*refresh/.test(document.title));
  await page.waitForTimeout(1_000);
  await widget.getByRole('heading', { name: 'Clear to sell' }).waitFor();
  assert.ok(server.exchanged.length >= 2);
  for (const shown of server.exchanged) assert.deepEqual(shown, { at: 'canvas', token: 'fresh' });
  assert.deepEqual(complaints, []);
  await close();
});

test('a page without fresh tokens renews its session from itself, and stops at the hard cap', async () => {
  server.exchanged.length = 0;
  const { page, close } = await open('selfRenewing');
  await page.waitForTimeout(7_000);
  // More than two lives later.
  await page.getByRole('heading', { name: 'Clear to sell' }).waitFor();
  await page.getByRole('heading', { name: 'Session ended' }).waitFor({ timeout: 4_000 });
  const words = await page.innerText('main');
  assert.match(words, /as long as it may. Reload it/);
  assert.doesNotMatch(words, /\$/);
  assert.equal(await page.getByRole('button').count(), 0);
  const renewals = server.exchanged.length;
  assert.ok(renewals >= 2 && renewals <= 8, `${renewals} renewals`);
  await page.waitForTimeout(1_500);
  assert.equal(server.exchanged.length, renewals);
  await close();
});

test('without a network the figures stay, and the page says that updates pause', async () => {
  const { page, close } = await open('fine');
  await page.getByText('Updates by itself').waitFor();
  await page.context().setOffline(true);
  await page.getByText('Updates paused').waitFor();
  assert.match(await page.locator('dl').first().innerText(), /\$4,280\.00/);
  await close();
});

test('forced colors keep the shapes that mean something', async () => {
  const { page, close } = await open('chronicallyLate', { forcedColors: 'active' });
  assert.deepEqual(await violations(page), []);
  const visible = await page.locator('header svg').evaluate((icon) => getComputedStyle(icon).color);
  assert.notEqual(visible, 'rgba(0, 0, 0, 0)');
  await close();
});
