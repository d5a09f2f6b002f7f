import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ServerClock } from './server-clock';
import { Session, type Credentials, type Renewal } from './session';

const credentials = (token: string, seconds: number): Credentials => ({
  token,
  expiresAt: Date.now() + seconds * 1000,
});

function watched(first: Credentials | null, renewal: Renewal | null, clock?: ServerClock) {
  const session = new Session(first, renewal, clock);
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
      .fn<Renewal>()
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

describe('the server’s clock', () => {
  it('counts where the laptop’s is wrong', async () => {
    const clock = new ServerClock();
    // The laptop is an hour fast: by its own clock the session would have ended long ago.
    const first = { token: 'a', expiresAt: Date.now() - 3_600_000 + 5_000 };
    clock.observe(new Date(Date.now() - 3_600_000).toUTCString());
    const { session, events } = watched(first, null, clock);
    expect(session.token()).toBe('a');
    await vi.advanceTimersByTimeAsync(6_500);
    expect(events.ended).toHaveBeenCalledOnce();
  });

  it('is ours within the header’s whole seconds', () => {
    const clock = new ServerClock();
    expect(clock.observe(new Date(Date.now() - 1_000).toUTCString())).toBe(false);
    expect(clock.observe(null)).toBe(false);
    expect(clock.observe('yesterday')).toBe(false);
    expect(clock.now()).toBe(Date.now());
  });
});
