// The whole demo in a real browser: the built binary, its sandbox books and its CRM page, which is
// another origin than the widget. Pictures of every contact go to ../.test/demo. Needs `make build`
// and Chromium.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch, violations } from './browser.mjs';
import { startDemo } from './demo.mjs';

const pictures = join(import.meta.dirname, '../../.test/demo');
const widths = [280, 360, 480];

/** What each contact of the demo has to show: the answer, and words that must stand on the page. */
const contacts = {
  'company:alder-finch': [
    'Clear to sell',
    'Everything is in order',
    /Usually pays\s+\d+ days early/,
  ],
  'company:brightwater': ['Check first', /\d\d% of the credit limit is used/],
  'company:copperfield': ['Hold', /Over the credit limit by \$[\d,.]+/, /Overdue\s+Nothing/],
  'company:dunmore': [
    'Check first',
    /overdue, for up to \d+ days/,
    /Usually prompt, suddenly late/,
  ],
  'company:eastgate': ['Check first', /overdue, for up to \d+ days/, /Late as a rule/],
  'company:fairhaven': ['Clear to sell', /Outstanding\s+\$[\d,.]+ in credit/],
  'company:granite-peak': ['Check first', /came in on .+ not yet applied. Don’t chase/],
  'company:hollis-meyer': ['Clear to sell', '2 customers, together', /€[\d,.]+\s+\$[\d,.]+/],
  'company:ironwood': ['Check first', 'No credit limit is set', 'No limit set'],
  'company:juniper-lane': [
    'Clear to sell',
    'They have never bought on account',
    /Usually pays\s+Not known/,
  ],
  'company:northgate': ['Clear to sell', 'Northgate School District'],
  'company:kestrel': ['Not linked', 'Link to a customer'],
  'company:lakeside': ['Can’t say yet', 'The books are being loaded for the first time', /records/],
  'person:maya-ortiz': [
    'Clear to sell',
    'Alder & Finch Garden Supply',
    /through the contact’s company/,
  ],
};

/** What else they show where the books are read through Xero or Sage. */
const elsewhere = {
  'company:northgate': ['Clear to sell', '3 customers, together'],
  'company:lakeside': ['Not linked', 'Link to a customer'],
};

let browser;
before(async () => {
  browser = await launch();
  await mkdir(pictures, { recursive: true });
});
after(() => browser?.close());

/** The frame of the widget in a CRM page, once it shows something. */
async function widget(page) {
  const element = await page.waitForSelector('#pulse iframe');
  const frame = await element.contentFrame();
  await frame.waitForSelector('h1');
  await frame.waitForSelector('[aria-busy=true]', { state: 'detached' });
  return frame;
}

/** A CRM page with the widget in it, and what the widget asks its server. */
async function visit(demo, contact, { width = 360, role = 'finance', provider, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 1400 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints = [];
  const queries = [];
  const exchanges = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname === '/graphql' && request.method() === 'POST') {
      queries.push(/^\w+ (\w+)/.exec(request.postDataJSON().query)[1]);
    }
    if (pathname.startsWith('/exchange/')) exchanges.push(pathname);
  });
  const chosen = provider ? `&provider=${provider}` : '';
  await page.goto(`${demo.crm}/contacts/native:${contact}?width=${width}&role=${role}${chosen}`);
  const frame = await widget(page);
  return {
    page,
    frame,
    complaints,
    queries,
    exchanges,
    /** The widget's text, each gap one space. */
    words: async () => (await frame.innerText('main')).replaceAll(/\s+/g, ' '),
    close: () => context.close(),
  };
}

/** Waits until something is so; fails with the last answer. */
async function until(look, within, what) {
  const end = Date.now() + within;
  for (;;) {
    const seen = await look();
    if (seen.is) return seen;
    if (Date.now() > end) assert.fail(`${what}: ${JSON.stringify(seen)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Waits until the widget has all these words: parts of it come a moment after its answer. */
async function shows(visited, expected) {
  const look = async () => {
    const words = await visited.words();
    const isThere = (each) => (each instanceof RegExp ? each.test(words) : words.includes(each));
    const missing = expected.filter((each) => !isThere(each)).map(String);
    return { is: missing.length === 0, missing, words };
  };
  await until(look, 5_000, 'the widget does not say everything');
}

/** The outstanding figure of the page in cents. */
const outstanding = async ({ frame }) => {
  const value = await frame.getAttribute('dl data', 'value');
  assert.match(value, /^-?\d+(\.\d{1,2})?$/);
  const [units, cents = ''] = value.split('.');
  return BigInt(units + cents.padEnd(2, '0'));
};

describe('the demo', () => {
  let demo;
  before(async () => {
    demo = await startDemo();
  });
  after(() => demo?.stop());

  for (const [contact, [answer, ...expected]] of Object.entries(contacts)) {
    test(`${contact} shows what it should, at every width, light and dark`, async () => {
      for (const width of widths) {
        const visited = await visit(demo, contact, { width, reducedMotion: 'reduce' });
        const { page, frame, complaints } = visited;
        assert.match(await frame.innerText('h1'), new RegExp(`${answer}$`));
        await shows(visited, expected);
        const wide = await frame.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${wide} px wide at ${width}`);
        for (const colorScheme of ['light', 'dark']) {
          await page.emulateMedia({ colorScheme });
          if (width !== 360) assert.deepEqual(await violations(frame), []);
          const name = `${contact.replace(':', '-')}-${width}-${colorScheme}.png`;
          await page.screenshot({ path: join(pictures, name) });
        }
        assert.deepEqual(complaints, []);
        await visited.close();
      }
    });
  }

  test('the frame is as tall as the widget', async () => {
    const visited = await visit(demo, 'company:alder-finch');
    await until(
      async () => {
        const frame = (await visited.page.locator('#pulse iframe').boundingBox()).height;
        const widget = await visited.frame.evaluate(
          () => document.getElementById('app').getBoundingClientRect().height,
        );
        return { is: Math.abs(frame - widget) <= 4, frame, widget };
      },
      5_000,
      'the heights differ',
    );
    await visited.close();
  });

  test('documents page to the last one, each once, and open with their lines', async () => {
    const visited = await visit(demo, 'company:alder-finch');
    const { frame, queries } = visited;
    const rows = frame.locator('main li > [aria-expanded]');
    // While a page is on its way the button says so.
    const more = frame.getByRole('button', { name: /^(Show more|Loading more…)$/ });
    const [, total] = /\d+ of (\d+)/.exec(await visited.words());
    while (await more.isVisible()) {
      const shown = await rows.count();
      await more.click();
      await until(async () => ({ is: (await rows.count()) > shown }), 10_000, 'no more came');
    }
    assert.equal(await rows.count(), Number(total));
    const invoice = rows.filter({ hasText: /^Invoice/ }).last();
    await invoice.click();
    await frame.getByRole('table', { name: /^Lines of Invoice/ }).waitFor();
    assert.equal(queries.filter((name) => name === 'TransactionDetails').length, 1);
    assert.equal(queries.filter((name) => name === 'Pulse').length, 1);
    await visited.close();
  });

  test('a payment shows within 3 seconds: no reload, no query after the first', async () => {
    const visited = await visit(demo, 'company:brightwater');
    const { page, frame, queries } = visited;
    await frame.getByText('Updates by itself').waitFor();
    const loaded = await frame.evaluate(() => performance.timeOrigin);
    const before = await outstanding(visited);

    await page.getByRole('button', { name: 'Customer pays 100' }).click();
    const posted = Date.now();
    await until(
      async () => {
        const now = await outstanding(visited);
        return { is: now === before - 10_000n, before: String(before), now: String(now) };
      },
      3_000,
      'the balance did not fall by 100.00',
    );
    console.log(`the payment showed after ${Date.now() - posted} ms`);
    assert.equal(await frame.evaluate(() => performance.timeOrigin), loaded);
    assert.deepEqual(queries, ['Pulse']);
    assert.match(await frame.locator('[role=status]').innerText(), /^Updated\. /);
    await visited.close();
  });

  test('the switch shows the same contact as Xero and Sage tell of it, by the keyboard too', async () => {
    const visited = await visit(demo, 'company:alder-finch');
    const { page, complaints } = visited;
    const books = page.getByRole('group', { name: 'Books in' });
    const owed = await outstanding(visited);
    for (const ledger of ['Xero', 'Sage']) {
      await books.getByRole('link', { name: ledger }).focus();
      await page.keyboard.press('Enter');
      await page.waitForURL(`**provider=${ledger.toLowerCase()}`);
      assert.equal(await books.locator('[aria-current=true]').innerText(), ledger);
      const frame = await widget(page);
      assert.match(await frame.innerText('h1'), /Clear to sell$/);
      assert.equal(await outstanding({ frame }), owed);
      assert.deepEqual(await violations(page), []);
    }

    // One set of books: what happens shows in Sage's words, and in the others' as well.
    const frame = await widget(page);
    await page.getByRole('button', { name: 'New invoice, 250' }).click();
    const billed = async (shown) => {
      const now = await outstanding({ frame: shown });
      return { is: now === owed + 25_000n, owed: String(owed), now: String(now) };
    };
    await until(() => billed(frame), 5_000, 'the balance did not rise by 250.00');
    await books.getByRole('link', { name: 'QuickBooks' }).click();
    await page.waitForURL('**provider=quickbooks');
    const back = await widget(page);
    await until(() => billed(back), 5_000, 'QuickBooks does not tell of it');
    assert.deepEqual(complaints, []);
    await visited.close();
  });

  for (const provider of ['xero', 'sage']) {
    test(`every contact shows something true by ${provider}`, async () => {
      for (const [contact, expected] of Object.entries({ ...contacts, ...elsewhere })) {
        const visited = await visit(demo, contact, { provider });
        const [answer, ...shown] = expected;
        assert.match(await visited.frame.innerText('h1'), new RegExp(`${answer}$`), contact);
        await shows(visited, shown);
        assert.doesNotMatch(await visited.words(), /differs/i, contact);
        assert.deepEqual(visited.complaints, [], contact);
        await visited.close();
      }
    });
  }

  test('a rep is told whom to ask about a contact that is not linked; finance links it', async () => {
    const rep = await visit(demo, 'company:kestrel', { role: 'rep' });
    assert.match(await rep.words(), /Ask finance to link it/);
    assert.equal(await rep.frame.locator('input').count(), 0);
    await rep.close();

    const finance = await visit(demo, 'company:kestrel');
    await finance.frame.getByRole('searchbox').fill('Juniper Lane');
    await finance.frame.getByRole('searchbox').press('Enter');
    await finance.frame.getByRole('button', { name: 'Link to Juniper Lane Books' }).click();
    await finance.frame.getByRole('heading', { name: 'Juniper Lane Books' }).waitFor();
    assert.match(await finance.words(), /Linked by hand/);
    await finance.close();
  });
});

describe('sessions of 5 seconds', () => {
  let demo;
  before(async () => {
    demo = await startDemo({ PULSE_SESSION__LIFETIME: '5s' });
  });
  after(() => demo?.stop());

  test('renew themselves through the CRM page, and hide the figures where it cannot', async () => {
    const visited = await visit(demo, 'company:alder-finch');
    const { page, frame, queries, exchanges } = visited;
    await until(async () => ({ is: exchanges.length >= 3 }), 25_000, 'no renewal');
    assert.match(await visited.words(), /Clear to sell.*\$[\d,.]+/);
    assert.deepEqual(queries, ['Pulse']);

    await page.route('**/token?*', (route) => route.abort());
    await frame.getByRole('heading', { name: 'Session ended' }).waitFor({ timeout: 8_000 });
    const words = await visited.words();
    assert.match(words, /Reload the contact page to see them again/);
    assert.doesNotMatch(words, /[$€]|Alder|Clear to sell/);
    assert.doesNotMatch(await frame.content(), /\$\d/);
    assert.deepEqual(await violations(frame), []);

    await page.unroute('**/token?*');
    await frame.getByRole('button', { name: 'Show again' }).click();
    await frame.getByRole('heading', { name: 'Clear to sell' }).waitFor();
    await visited.close();
  });
});
