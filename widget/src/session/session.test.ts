import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ServerClock } from './server-clock';
import { Session, type Credentials, type Renewal } from './session';

const credentials = (token: string, seconds: number): Credentials => ({
  token,
  expiresAt: Date.now() + seconds * 1000,
  hardCap: null,
});

type Get = Renewal['get'];

function watched(first: Credentials | null, get: Get | null, clock?: ServerClock, capped = false) {
  const session = new Session(first, get && { get, fromItself: capped }, clock);
  const events = { renewed: vi.fn(), ended: vi.fn() };
  session.start(events);
  return { session, events };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a session that cannot be renewed', () => {
  it('ends on time and then has no bearer', async () => {
    const { session, events } = watched(credentials('a', 5), null);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(session.token()).toBe('a');
    await vi.advanceTimersByTimeAsync(2);
    expect(session.token()).toBeNull();
    expect(events.ended).toHaveBeenCalledOnce();
    expect(events.renewed).not.toHaveBeenCalled();
  });

  it('ends when the clock says so after a sleep in which no timer ran', () => {
    const { session, events } = watched(credentials('a', 60), null);
    vi.setSystemTime(Date.now() + 61_000);
    expect(session.token()).toBeNull();
    session.check();
    expect(events.ended).toHaveBeenCalledOnce();
  });

  it('ends when the server refuses the bearer', async () => {
    const { session, events } = watched(credentials('a', 600), null);
    expect(await session.rejected()).toBe(false);
    expect(session.token()).toBeNull();
    expect(events.ended).toHaveBeenCalledOnce();
  });
});

describe('a session that can be renewed', () => {
  it('renews before the end, over and over, also when it is only five seconds long', async () => {
    let count = 0;
    const renewal = vi.fn(() => Promise.resolve(credentials(`new ${++count}`, 5)));
    const { session, events } = watched(credentials('a', 5), renewal);
    await vi.advanceTimersByTimeAsync(3_500);
    expect(session.token()).toBe('new 1');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(session.token()).not.toBeNull();
    expect(events.ended).not.toHaveBeenCalled();
    expect(events.renewed.mock.calls.length).toBe(renewal.mock.calls.length);
    // Not more often than needed either.
    expect(renewal.mock.calls.length).toBeLessThan(22);
  });

  it('waits with a long one until its last minute', async () => {
    const renewal = vi.fn(() => Promise.resolve(credentials('b', 600)));
    watched(credentials('a', 600), renewal);
    await vi.advanceTimersByTimeAsync(539_000);
    expect(renewal).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(renewal).toHaveBeenCalledOnce();
  });

  it('tries again while there is time, and ends when there is none', async () => {
    const renewal = vi.fn(() => Promise.reject(new Error('no')));
    const { session, events } = watched(credentials('a', 10), renewal);
    await vi.advanceTimersByTimeAsync(9_900);
    expect(renewal.mock.calls.length).toBeGreaterThan(1);
    expect(session.token()).toBe('a');
    await vi.advanceTimersByTimeAsync(200);
    expect(session.token()).toBeNull();
    expect(events.ended).toHaveBeenCalledOnce();
  });

  it('ends on time while the CRM is still thinking, and comes back when it answers', async () => {
    let give: (credentials: Credentials) => void = () => undefined;
    const renewal = vi.fn(() => new Promise<Credentials>((resolve) => (give = resolve)));
    const { session, events } = watched(credentials('a', 5), renewal);
    await vi.advanceTimersByTimeAsync(5_100);
    expect(events.ended).toHaveBeenCalledOnce();
    give(credentials('b', 5));
    await vi.advanceTimersByTimeAsync(1);
    expect(session.token()).toBe('b');
    expect(events.renewed).toHaveBeenCalledOnce();
  });

  it('asks anew when the viewer wants it, though an earlier attempt got no answer', async () => {
    const renewal = vi
      .fn<Get>()
      .mockReturnValueOnce(new Promise(() => undefined))
      .mockResolvedValue(credentials('b', 600));
    const { session, events } = watched(credentials('a', 5), renewal);
    await vi.advanceTimersByTimeAsync(5_100);
    expect(events.ended).toHaveBeenCalledOnce();
    expect(await session.resume()).toBe(true);
    expect(session.token()).toBe('b');
  });

  it('asks the CRM once for several callers', async () => {
    const renewal = vi.fn(() => Promise.resolve(credentials('b', 600)));
    const { session } = watched(credentials('a', 600), renewal);
    expect(await Promise.all([session.rejected(), session.rejected()])).toEqual([true, true]);
    expect(renewal).toHaveBeenCalledOnce();
  });
});

describe('a session that was slept through', () => {
  it('ends at once, and the CRM is asked without waiting for the viewer', async () => {
    const renewal = vi.fn<Get>(() => Promise.resolve(credentials('b', 600)));
    const { session, events } = watched(credentials('a', 600), renewal);
    vi.setSystemTime(Date.now() + 3_600_000);
    session.check();
    expect(events.ended).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(1);
    expect(renewal).toHaveBeenCalledOnce();
    expect(session.token()).toBe('b');
    expect(events.renewed).toHaveBeenCalledOnce();
  });

  it('is tried again when the network is back', async () => {
    const renewal = vi
      .fn<Get>()
      .mockRejectedValueOnce(new Error('no network yet'))
      .mockImplementation(() => Promise.resolve(credentials('b', 600)));
    const { session } = watched(credentials('a', 600), renewal);
    vi.setSystemTime(Date.now() + 3_600_000);
    session.check();
    await vi.advanceTimersByTimeAsync(1);
    expect(session.token()).toBeNull();
    session.check();
    await vi.advanceTimersByTimeAsync(1);
    expect(session.token()).toBe('b');
  });

  it('stays ended where only a living one could be renewed', async () => {
    const renewal = vi.fn<Get>(() => Promise.resolve(credentials('b', 600)));
    const { session, events } = watched(credentials('a', 600), renewal, undefined, true);
    vi.setSystemTime(Date.now() + 3_600_000);
    session.check();
    await vi.advanceTimersByTimeAsync(1);
    expect(renewal).not.toHaveBeenCalled();
    expect(events.ended).toHaveBeenCalledOnce();
    expect(session.renewable).toBe(false);
  });

  it('is not asked for over and over where the CRM refused in time', async () => {
    const renewal = vi.fn<Get>(() => Promise.reject(new Error('no')));
    const { session } = watched(credentials('a', 5), renewal);
    await vi.advanceTimersByTimeAsync(6_000);
    const tries = renewal.mock.calls.length;
    session.check();
    expect(renewal.mock.calls.length).toBe(tries);
  });
});

describe('a session that is renewed from itself', () => {
  const capped = (token: string, seconds: number, hardCap: number): Credentials => ({
    token,
    expiresAt: Math.min(Date.now() + seconds * 1000, hardCap),
    hardCap,
  });

  it('shows the one that stands, over several lives, and stops at the cap', async () => {
    const hardCap = Date.now() + 22_000;
    let count = 0;
    const renewal = vi.fn<Get>(() => Promise.resolve(capped(`new ${++count}`, 5, hardCap)));
    const { session, events } = watched(capped('a', 5, hardCap), renewal, undefined, true);
    await vi.advanceTimersByTimeAsync(21_900);
    expect(session.token()).toBe(`new ${count}`);
    expect(renewal.mock.calls.map(([current]) => current)).toEqual([
      'a',
      ...Array.from({ length: count - 1 }, (_, index) => `new ${index + 1}`),
    ]);
    expect(events.ended).not.toHaveBeenCalled();
    const renewals = renewal.mock.calls.length;
    await vi.advanceTimersByTimeAsync(200);
    expect(events.ended).toHaveBeenCalledOnce();
    expect(session.capped).toBe(true);
    expect(session.renewable).toBe(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(renewal.mock.calls.length).toBe(renewals);
  });

  it('that ends before its cap is not told to have lasted', async () => {
    const renewal = vi.fn<Get>(() => Promise.reject(new Error('no')));
    const first = capped('a', 5, Date.now() + 60_000);
    const { session, events } = watched(first, renewal, undefined, true);
    await vi.advanceTimersByTimeAsync(5_100);
    expect(events.ended).toHaveBeenCalledOnce();
    expect(session.capped).toBe(false);
  });
});

describe('the server’s clock', () => {
  it('counts where the laptop’s is wrong', async () => {
    const clock = new ServerClock();
    // The laptop is an hour fast: by its own clock the session would have ended long ago.
    const first = { token: 'a', expiresAt: Date.now() - 3_600_000 + 5_000, hardCap: null };
    clock.observe(new Date(Date.now() - 3_600_000).toUTCString());
    const { session, events } = watched(first, null, clock);
    expect(session.token()).toBe('a');
    await vi.advanceTimersByTimeAsync(6_500);
    expect(events.ended).toHaveBeenCalledOnce();
  });

  it('is asked for where the laptop’s says that the page came with a session that had ended', async () => {
    const clock = new ServerClock();
    const first = { token: 'a', expiresAt: Date.now() - 3_600_000, hardCap: null };
    const { session, events } = watched(first, null, clock);
    expect(session.token()).toBe('a');
    session.observe(new Date(Date.now() - 3_600_000 - 300_000).toUTCString());
    await vi.advanceTimersByTimeAsync(290_000);
    expect(session.token()).toBe('a');
    await vi.advanceTimersByTimeAsync(12_000);
    expect(session.token()).toBeNull();
    expect(events.ended).toHaveBeenCalledOnce();
  });

  it('ends a session that had ended indeed, and one whose time is never told', async () => {
    const first = { token: 'a', expiresAt: Date.now() - 3_600_000, hardCap: null };
    const ended = watched(first, null);
    ended.session.observe(new Date().toUTCString());
    expect(ended.session.token()).toBeNull();
    expect(ended.events.ended).toHaveBeenCalledOnce();
    const silent = watched(first, null);
    await vi.advanceTimersByTimeAsync(30_001);
    expect(silent.events.ended).toHaveBeenCalledOnce();
  });

  it('is ours within the header’s whole seconds', () => {
    const clock = new ServerClock();
    expect(clock.observe(new Date(Date.now() - 1_000).toUTCString())).toBe(false);
    expect(clock.observe(null)).toBe(false);
    expect(clock.observe('yesterday')).toBe(false);
    expect(clock.now()).toBe(Date.now());
  });
});
