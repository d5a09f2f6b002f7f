import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Client } from '../api/client';
import { ApiError } from '../api/errors';
import {
  PulseDocument,
  TransactionDetailsDocument,
  TransactionsDocument,
  type Operation,
} from '../api/generated';
import type { listen, LiveEvents } from '../api/live';
import { Session, type Credentials, type Renewal } from '../session/session';
import { answerOf } from '../testing/answers';
import { PulseController } from './controller';
import type { Shown } from './state';

const credentials = (seconds: number): Credentials => ({
  token: 'bearer',
  expiresAt: Date.now() + seconds * 1000,
  hardCap: null,
});

const byCrm = (get: Renewal['get']): Renewal => ({ get, fromItself: false });

/** A widget over one of the fixtures, with what it asked and what it listens to. */
function widget(name: string, options: { session?: Session; contactId?: string | null } = {}) {
  const asked: string[] = [];
  let scenario = name;
  let failure: ApiError | null = null;
  const client = {
    ask: (operation: Operation<unknown, object>, variables: object) => {
      asked.push(operation);
      return failure ? Promise.reject(failure) : answerOf(scenario, operation, variables);
    },
  } as Pick<Client, 'ask'>;
  const listening: { token: string; events: LiveEvents; stopped: boolean }[] = [];
  const listener: typeof listen = (_url, token, _variables, events) => {
    const one = { token, events, stopped: false };
    listening.push(one);
    return () => {
      one.stopped = true;
    };
  };
  const controller = new PulseController({
    client,
    session: options.session ?? new Session(credentials(600), null),
    listen: Promise.resolve(listener),
    subscriptionUrl: 'wss://pulse.example/graphql/ws',
    contactId: options.contactId === undefined ? 'native:person:1' : options.contactId,
    company: null,
    online: () => true,
  });
  return {
    controller,
    asked,
    listening,
    become: (other: string) => (scenario = other),
    fail: (error: ApiError | null) => (failure = error),
    shown: () => controller.state as Shown,
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the widget', () => {
  it('asks once and listens from then on', async () => {
    const { controller, asked, listening, shown } = widget('chronicallyLate');
    await controller.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(listening.length).toBe(1);

    const { contact } = await answerOf('fine', PulseDocument, {
      contactId: 'native:person:1',
      company: null,
    });
    if (!contact?.pulse) throw new Error('no pulse');
    listening[0]?.events.pulse(contact.pulse);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(shown().pulse.decision.result).toBe('OK');
    expect(asked).toEqual([PulseDocument]);
  });

  it('does not listen where nothing is linked', async () => {
    const { controller, listening } = widget('notLinked');
    await controller.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(controller.state.phase).toBe('unlinked');
    expect(listening).toEqual([]);
  });

  it('shows nothing where the CRM named no contact', async () => {
    const { controller, asked } = widget('fine', { contactId: null });
    await controller.start();
    expect(controller.state.phase).toBe('absent');
    expect(asked).toEqual([]);
  });

  it('links and then shows and listens', async () => {
    const { controller, listening } = widget('notLinkedFinance');
    await controller.start();
    expect((await controller.findCustomers('bright')).length).toBe(3);
    await controller.link('61');
    await vi.advanceTimersByTimeAsync(0);
    expect(controller.state.phase).toBe('shown');
    expect(listening.length).toBe(1);
  });
});

describe('the session of the widget', () => {
  it('hides the figures and stops listening when it ends', async () => {
    const session = new Session(credentials(5), null);
    const { controller, listening } = widget('fine', { session });
    await controller.start();
    await vi.advanceTimersByTimeAsync(5_100);
    expect(controller.state).toEqual({
      phase: 'ended',
      renewable: false,
      capped: false,
      renewing: false,
    });
    expect(listening[0]?.stopped).toBe(true);
  });

  it('moves the subscription over when it is renewed, and asks nothing', async () => {
    let count = 0;
    const session = new Session(
      credentials(5),
      byCrm(() => Promise.resolve({ ...credentials(5), token: `renewed ${++count}` })),
    );
    const { controller, asked, listening } = widget('fine', { session });
    await controller.start();
    await vi.advanceTimersByTimeAsync(12_000);
    expect(controller.state.phase).toBe('shown');
    expect(listening.length).toBeGreaterThan(2);
    expect(listening.slice(0, -1).every(({ stopped }) => stopped)).toBe(true);
    expect(listening.at(-1)).toMatchObject({ token: `renewed ${count}`, stopped: false });
    expect(asked).toEqual([PulseDocument]);
  });

  it('says that it lasted as long as it may, where it is renewed from itself', async () => {
    const hardCap = Date.now() + 12_000;
    const get = vi.fn(() => {
      const expiresAt = Math.min(Date.now() + 5_000, hardCap);
      return Promise.resolve({ token: 'next', expiresAt, hardCap });
    });
    const session = new Session({ ...credentials(5), hardCap }, { get, fromItself: true });
    const { controller } = widget('fine', { session });
    await controller.start();
    await vi.advanceTimersByTimeAsync(11_900);
    expect(controller.state.phase).toBe('shown');
    await vi.advanceTimersByTimeAsync(200);
    expect(controller.state).toMatchObject({ phase: 'ended', renewable: false, capped: true });
  });

  it('shows the figures again when the CRM gives a token after all', async () => {
    let willing = false;
    const session = new Session(
      credentials(5),
      byCrm(() => (willing ? Promise.resolve(credentials(5)) : Promise.reject(new Error('no')))),
    );
    const { controller } = widget('fine', { session });
    await controller.start();
    await vi.advanceTimersByTimeAsync(5_100);
    expect(controller.state).toMatchObject({ phase: 'ended', renewable: true });
    await controller.resume();
    expect(controller.state).toMatchObject({ phase: 'ended', renewing: false });
    willing = true;
    await controller.resume();
    await vi.advanceTimersByTimeAsync(10);
    expect(controller.state.phase).toBe('shown');
  });

  it('that has ended before the page opened shows nothing: the server refuses it', async () => {
    const session = new Session(credentials(-5), null);
    const { controller, fail } = widget('fine', { session });
    fail(new ApiError('UNAUTHENTICATED'));
    await controller.start();
    expect(controller.state.phase).toBe('ended');
  });

  it('that is not there shows nothing and asks nothing', async () => {
    const { controller, asked } = widget('fine', { session: new Session(null, null) });
    await controller.start();
    expect(controller.state.phase).toBe('ended');
    expect(asked).toEqual([]);
  });
});

describe('a subscription that the server closed', () => {
  it('leads to the whole question again, for the link may have changed', async () => {
    const { controller, asked, listening, become } = widget('fine');
    await controller.start();
    await vi.advanceTimersByTimeAsync(0);
    become('notLinked');
    listening[0]?.events.ended('closed');
    await vi.advanceTimersByTimeAsync(2_100);
    expect(asked).toEqual([PulseDocument, PulseDocument]);
    expect(controller.state.phase).toBe('unlinked');
  });

  it('takes the figures away when they are no longer for this viewer', async () => {
    const { controller, listening } = widget('fine');
    await controller.start();
    await vi.advanceTimersByTimeAsync(0);
    listening[0]?.events.ended('FORBIDDEN');
    expect(controller.state.phase).toBe('forbidden');
  });
});

describe('what is asked on demand', () => {
  it('is one document by its place, and once', async () => {
    const { controller, asked, shown } = widget('fine');
    await controller.start();
    const { node } = shown().documents.edges[3] ?? {};
    if (!node) throw new Error('too few documents');
    await controller.openDetails(node.id);
    await controller.openDetails(node.id);
    expect(shown().details[node.id]).toMatchObject({ is: 'loaded', value: { id: node.id } });
    expect(asked).toEqual([PulseDocument, TransactionDetailsDocument]);
  });

  it('is the next page only when those at hand run out', async () => {
    const { controller, asked, shown } = widget('fine');
    await controller.start();
    await controller.showMore();
    expect(asked).toEqual([PulseDocument]);
    await controller.showMore();
    await controller.showMore();
    expect(asked).toEqual([PulseDocument, TransactionsDocument]);
    expect(shown().documents.edges.length).toBe(shown().documents.total);
  });

  it('fails alone', async () => {
    const { controller, fail, shown } = widget('fine');
    await controller.start();
    fail(new ApiError('RATE_LIMITED'));
    await controller.openPurchases();
    expect(shown().purchases).toEqual({ is: 'failed', code: 'RATE_LIMITED' });
    fail(null);
    await controller.openPurchases();
    expect(shown().purchases).toMatchObject({ is: 'loaded' });
  });
});
