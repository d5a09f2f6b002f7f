import { render } from 'preact';
import { act } from 'preact/test-utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { scenarios } from '../e2e/fixtures.mjs';
import { PulseDocument } from './api/generated';
import { App, type Doing } from './app';
import { LanguageProvider, loadLanguage } from './i18n/language';
import { initial, reduce, type Action, type State } from './pulse/state';
import { answerOf } from './testing/answers';

const variables = { contactId: 'native:person:1', company: null };

/** Renders a state as the page would, with a controller that only notes what it is told to do. */
async function show(state: State, locale = 'en-US') {
  const root = document.createElement('div');
  document.body.append(root);
  let current = state;
  const watchers = new Set<(state: State) => void>();
  const done = {
    load: vi.fn(() => Promise.resolve()),
    resume: vi.fn(() => Promise.resolve()),
    showMore: vi.fn(() => Promise.resolve()),
    openDetails: vi.fn(() => Promise.resolve()),
    openPurchases: vi.fn(() => Promise.resolve()),
    findCustomers: vi.fn(() => Promise.resolve([])),
    link: vi.fn(() => Promise.resolve()),
  } satisfies Doing;
  const controller = {
    ...done,
    get state() {
      return current;
    },
    watch: (watcher: (state: State) => void) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
  const language = await loadLanguage(locale);
  await act(() => {
    render(
      <LanguageProvider value={language}>
        <App controller={controller} />
      </LanguageProvider>,
      root,
    );
  });
  const happen = (action: Action) =>
    act(() => {
      current = reduce(current, action);
      for (const watcher of watchers) watcher(current);
    });
  const words = (selector = 'main') =>
    (root.querySelector(selector)?.textContent ?? '').replaceAll('\u00a0', ' ');
  return { root, done, happen, words };
}

async function stateOf(name: string): Promise<State> {
  const { viewer, contact } = await answerOf(name, PulseDocument, variables);
  return reduce(initial, { type: 'answered', viewer, contact });
}
const showScenario = async (name: string, locale?: string) => show(await stateOf(name), locale);

afterEach(() => {
  document.body.innerHTML = '';
});

describe('the answer', () => {
  it.each([
    ['fine', 'Clear to sell', 'Everything is in order'],
    ['nearLimit', 'Check first', '87% of the credit limit is used'],
    ['overLimit', 'Hold', 'Over the credit limit by $1,234.56'],
    ['chronicallyLate', 'Hold', '$12,940.75 overdue, for up to 94 days'],
    ['noLimit', 'Check first', 'No credit limit is set'],
    ['differs', 'Check first', 'The books’ own balance differs by $0.01'],
    ['stale', 'Can’t say yet', 'The figures are too old to decide on'],
    ['syncing', 'Can’t say yet', 'The books are still being loaded'],
    ['partial', 'Can’t say yet', 'Part of the books is missing'],
  ])('of %s comes first', async (name, word, reason) => {
    const { root, words } = await showScenario(name);
    expect(words('h1')).toContain(word);
    expect(words('header')).toContain(reason);
    expect(root.querySelector('main')?.firstElementChild?.tagName).toBe('HEADER');
  });
});

describe('every situation', () => {
  const names = Object.entries(scenarios)
    .filter(([, { fails, hangs, boot }]) => !fails && !hangs && !boot)
    .map(([name]) => name);

  it.each(names)('%s has one main heading, and every table a caption', async (name) => {
    const { root } = await showScenario(name);
    expect(root.querySelectorAll('main').length).toBe(1);
    expect(root.querySelectorAll('h1').length).toBe(1);
    for (const table of root.querySelectorAll('table')) {
      expect(table.querySelector('caption')?.textContent).not.toBe('');
    }
    expect(root.textContent).not.toMatch(/undefined|null|NaN|\[object/);
  });

  it.each(names)('%s is said in German too', async (name) => {
    const { root } = await showScenario(name, 'de-DE');
    expect(root.textContent).not.toMatch(/undefined|null|NaN|\[object/);
    expect(root.textContent).not.toMatch(/Outstanding|Overdue|Nothing|Updates/);
  });
});

describe('what is not known', () => {
  it('is said in words and never as zero', async () => {
    const { words } = await showScenario('partial');
    const figures = words('dl');
    expect(figures.match(/Not known/g)?.length).toBe(4);
    expect(figures).not.toMatch(/[$€]|Nothing|\b0\b/);
    expect(words()).toContain('Missing: Credit notes, Payments.');
  });

  it('is not filled in during the first load', async () => {
    const { root, words } = await showScenario('syncing');
    expect(words()).toContain('18,240 of 50,000 records');
    expect(root.querySelector('progress')?.getAttribute('value')).toBe('18240');
    expect(words()).not.toMatch(/[$€]|Clear|Nothing/);
  });

  it('leaves a customer who has never bought without a habit', async () => {
    const { words } = await showScenario('neverBought');
    expect(words('dl')).toContain('Too few paid invoices to say');
    expect(words()).toContain('They have never bought on account.');
  });
});

describe('the figures', () => {
  it('stand side by side in several currencies, each customer with its own answer', async () => {
    const { words } = await showScenario('severalCurrencies');
    expect(words('dl')).toContain('€8,420.40');
    expect(words('dl')).toContain('$2,310.00');
    expect(words()).toContain('2 customers, together');
    expect(words()).toMatch(/Northsea Trading B\.V\.Check first/);
    expect(words()).toMatch(/Northsea Trading Inc\.Clear to sell/);
  });

  it('say in credit rather than less than nothing', async () => {
    const { words } = await showScenario('inCredit');
    expect(words('dl')).toContain('$250.00 in credit');
    expect(words('dl')).not.toContain('-');
  });

  it('tell a limit of zero from none', async () => {
    expect((await showScenario('cashOnly')).words('dl')).toContain('Cash only');
    document.body.innerHTML = '';
    expect((await showScenario('noLimit')).words('dl')).toContain('No limit set');
  });

  it('are bands where amounts are not for the viewer', async () => {
    const { root, words } = await showScenario('withoutAmounts');
    expect(words('dl')).toContain('Medium');
    expect(words('dl')).toContain('Plenty');
    expect(root.innerHTML).not.toMatch(/[$€]/);
    expect(words()).toContain('Amounts are not shown to your role');
  });

  it('give the meter in words', async () => {
    const { root } = await showScenario('overLimit');
    const meter = root.querySelector('meter');
    expect(meter?.getAttribute('aria-label')).toBe('Share of the credit limit in use');
    expect(meter?.textContent).toBe('112% used');
  });

  it('name the customer and the way to it', async () => {
    expect((await showScenario('company')).words()).toContain(
      'Linked through the company that the page named · Harbor Supply in QuickBooks',
    );
  });

  it('say whether they agree with the books', async () => {
    expect((await showScenario('fine')).words()).toContain('Agrees with the books’ own balance');
    document.body.innerHTML = '';
    expect((await showScenario('differs')).words()).toContain(
      'Differs from the books’ own balance by $0.01. We count $4,280.00; the books say $4,280.01.',
    );
  });
});

describe('what is not as it should be', () => {
  it.each([
    ['stale', 'Not up to date: the books were last looked at yesterday.'],
    ['disconnected', 'Disconnected: these are the last known figures.'],
    ['partial', 'Incomplete: part of the books has not arrived yet.'],
  ])('%s is said in words', async (name, words) => {
    expect((await showScenario(name)).words()).toContain(words);
  });
});

describe('in place of a pulse', () => {
  it('a skeleton says that it loads', async () => {
    const { root, words } = await show(initial);
    expect(words('h1')).toBe('Loading the pulse…');
    expect(root.querySelector('[aria-busy=true]')).not.toBeNull();
  });

  it('a rep is told whom to ask about an unlinked contact, finance may link it', async () => {
    const rep = await showScenario('notLinked');
    expect(rep.words()).toContain('Ask finance to link it.');
    expect(rep.root.querySelector('input')).toBeNull();
    document.body.innerHTML = '';
    const finance = await showScenario('notLinkedFinance');
    await vi.waitFor(() => {
      expect(finance.root.querySelector('form input')).not.toBeNull();
    });
  });

  it('a session that ended hides every figure and says what to do', async () => {
    const { root, happen, words } = await showScenario('chronicallyLate');
    await happen({ type: 'ended', renewable: false, capped: false });
    expect(words('h1')).toBe('Session ended');
    expect(words()).toContain('Reload the contact page');
    expect(root.innerHTML).not.toMatch(/\$|Bright/);
    expect(root.querySelector('button')).toBeNull();
  });

  it('one that lasted as long as it may says so', async () => {
    const { happen, words } = await showScenario('fine');
    await happen({ type: 'ended', renewable: false, capped: true });
    expect(words()).toContain('open for as long as it may. Reload it');
  });

  it('one that can come back offers it', async () => {
    const { root, done } = await show({
      phase: 'ended',
      renewable: true,
      capped: false,
      renewing: false,
    });
    root.querySelector('button')?.click();
    expect(done.resume).toHaveBeenCalledOnce();
  });

  it.each([
    [{ phase: 'absent' } as const, 'Nothing to show'],
    [{ phase: 'forbidden' } as const, 'Not for your role'],
    [{ phase: 'offline' } as const, 'You are offline'],
  ])('%j says what is the case', async (state, title) => {
    expect((await show(state)).words('h1')).toBe(title);
  });

  it('an error can be tried again', async () => {
    const { root, done, words } = await show({
      phase: 'failed',
      code: 'LEDGER_UNAVAILABLE',
      retrying: false,
    });
    expect(words('[role=alert]')).toBe('The books do not answer at the moment.');
    root.querySelector('button')?.click();
    expect(done.load).toHaveBeenCalledOnce();
  });
});

describe('while the page is open', () => {
  it('a change is told to those who hear the page', async () => {
    const { happen, words } = await showScenario('chronicallyLate');
    expect(words('[role=status]')).toBe('');
    const fine = await stateOf('fine');
    if (fine.phase !== 'shown') throw new Error(fine.phase);
    await happen({ type: 'pushed', pulse: fine.pulse });
    expect(words('[role=status]')).toBe('Updated. Clear to sell. Outstanding: $4,280.00.');
  });

  it('a pause of the updates is said', async () => {
    const { happen, words } = await showScenario('fine');
    expect(words()).toContain('Updates by itself');
    await happen({ type: 'live', live: false });
    expect(words()).toContain('Updates paused');
  });

  it('a document asks for its details when it is opened, and only then', async () => {
    const { root, done } = await showScenario('fine');
    const row = root.querySelector<HTMLButtonElement>('[aria-expanded]');
    expect(done.openDetails).not.toHaveBeenCalled();
    await act(() => row?.click());
    expect(row?.getAttribute('aria-expanded')).toBe('true');
    expect(done.openDetails).toHaveBeenCalledOnce();
  });

  it('the focus goes to the heading when its place goes away', async () => {
    const { root, happen } = await showScenario('fine');
    root.querySelector<HTMLButtonElement>('[aria-expanded]')?.focus();
    await happen({ type: 'ended', renewable: false, capped: false });
    expect(document.activeElement?.tagName).toBe('H1');
  });
});
