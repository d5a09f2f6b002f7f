import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HostBridge } from './bridge';
import { protocol } from './messages';

const crm = 'https://crm.example';

/** A window inside a page, as far as the bridge looks at it. */
function framed(ancestor?: string) {
  const parent = { postMessage: vi.fn() };
  let hear: ((event: MessageEvent) => void) | undefined;
  const self = {
    parent,
    location: ancestor === undefined ? {} : { ancestorOrigins: [ancestor] },
    addEventListener: (_: string, listener: (event: MessageEvent) => void) => {
      hear = listener;
    },
    removeEventListener: () => {
      hear = undefined;
    },
  } as unknown as Window;
  const say = (data: unknown, origin = crm, source: unknown = parent) =>
    hear?.({ data, origin, source } as MessageEvent);
  return { self, parent, say };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('what the widget says', () => {
  it('goes to exact origins only, never to any', () => {
    const { self, parent } = framed();
    const bridge = new HostBridge(self, [crm, '*', 'https://*.crm.example', `${crm}/path`, '']);
    bridge.post({ type: 'pulse:ready' });
    expect(parent.postMessage.mock.calls).toEqual([[{ type: 'pulse:ready', protocol }, crm]]);
  });

  it('goes to the one that the browser names, where it does', () => {
    const { self, parent } = framed('https://other.example');
    const bridge = new HostBridge(self, [crm, 'https://other.example']);
    bridge.post({ type: 'pulse:resize', height: 7 });
    expect(parent.postMessage.mock.calls.map(([, origin]) => origin as string)).toEqual([
      'https://other.example',
    ]);
  });

  it('goes nowhere when a page embeds it that is not listed', () => {
    const { self, parent } = framed('https://evil.example');
    const bridge = new HostBridge(self, [crm]);
    bridge.post({ type: 'pulse:renew', id: 'x' });
    expect(parent.postMessage).not.toHaveBeenCalled();
    expect(bridge.connected).toBe(false);
  });

  it('goes nowhere when nothing embeds it', () => {
    const { self } = framed();
    Object.assign(self, { parent: self });
    expect(new HostBridge(self, [crm]).connected).toBe(false);
  });
});

/** The id of the last request that the widget made. */
const asking = (parent: { postMessage: ReturnType<typeof vi.fn> }): string => {
  const [message] =
    (parent.postMessage.mock.calls as [{ type: string; id: string }, string][]).at(-1) ?? [];
  expect(message?.type).toBe('pulse:renew');
  return message?.id ?? '';
};

const answer = (id: string, token: unknown = 'signed') => ({
  type: 'pulse:token',
  protocol,
  id,
  token,
});

describe('a token', () => {
  it('is taken from the page that embeds it', async () => {
    const { self, parent, say } = framed();
    const asked = new HostBridge(self, [crm]).requestToken();
    const [, origin] = (parent.postMessage.mock.calls as [unknown, string][])[0] ?? [];
    expect(origin).toBe(crm);
    say(answer(asking(parent)));
    await expect(asked).resolves.toBe('signed');
  });

  it.each<[string, (id: string) => unknown, string?, unknown?]>([
    ['another origin', answer, 'https://evil.example'],
    ['a look-alike origin', answer, `${crm}.evil.example`],
    ['the origin in upper case', answer, crm.toUpperCase()],
    ['a page without an origin', answer, 'null'],
    ['another window', answer, crm, {}],
    ['no window', answer, crm, null],
    ['another message', (id) => ({ ...answer(id), type: 'token' })],
    ['another version', (id) => ({ ...answer(id), protocol: 2 })],
    ['no version', (id) => ({ ...answer(id), protocol: undefined })],
    ['another request', () => answer('0'.repeat(32))],
    ['no request', (id) => ({ ...answer(id), id: undefined })],
    ['a token that is no text', (id) => answer(id, 7)],
    ['a token that is a list', (id) => answer(id, ['signed'])],
    ['an empty token', (id) => answer(id, '')],
    ['an endless token', (id) => answer(id, 'x'.repeat(20_000))],
    ['a text', (id) => JSON.stringify(answer(id))],
    ['nothing', () => null],
  ])('is not taken from %s', async (_, data, origin = crm, source) => {
    const { self, parent, say } = framed();
    const asked = new HostBridge(self, [crm]).requestToken();
    const refused = expect(asked).rejects.toThrow('no token');
    say(data(asking(parent)), origin, ...(source === undefined ? [] : [source]));
    await vi.advanceTimersByTimeAsync(10_001);
    await refused;
  });

  it('that comes unasked, or a second time, changes nothing', async () => {
    const { self, parent, say } = framed();
    const bridge = new HostBridge(self, [crm]);
    say(answer('0'.repeat(32), 'early'));
    const asked = bridge.requestToken();
    const id = asking(parent);
    say(answer(id, 'first'));
    for (let count = 0; count < 1_000; count += 1) say(answer(id, `flood ${count}`));
    await expect(asked).resolves.toBe('first');
  });

  it('goes to the last request only, also after an earlier one was given up', async () => {
    const { self, parent, say } = framed();
    const bridge = new HostBridge(self, [crm]);
    const first = expect(bridge.requestToken()).rejects.toThrow('no token');
    const early = asking(parent);
    await vi.advanceTimersByTimeAsync(9_000);
    const second = bridge.requestToken();
    await vi.advanceTimersByTimeAsync(2_000);
    await first;
    say(answer(early, 'of the first'));
    say(answer(asking(parent), 'of the second'));
    await expect(second).resolves.toBe('of the second');
    expect(asking(parent)).not.toBe(early);
  });

  it('is not asked for where there is no page to ask', async () => {
    const { self } = framed();
    await expect(new HostBridge(self, []).requestToken()).rejects.toThrow('no host page');
  });
});

describe('a wish of the page', () => {
  const heard = () => {
    const wished = vi.fn();
    const { self, say } = framed();
    new HostBridge(self, [crm], wished);
    return { wished, say };
  };

  it.each([
    [{ type: 'pulse:theme', theme: 'dark' }],
    [{ type: 'pulse:theme', theme: 'auto' }],
    [{ type: 'pulse:locale', locale: 'de-AT' }],
  ])('%j is granted', (wish) => {
    const { wished, say } = heard();
    say({ ...wish, protocol });
    expect(wished.mock.calls).toEqual([[wish]]);
  });

  it.each([
    [{ type: 'pulse:theme', theme: 'constructor' }],
    [{ type: 'pulse:theme', theme: ['dark'] }],
    [{ type: 'pulse:locale', locale: 7 }],
    [{ type: 'pulse:locale', locale: 'x'.repeat(36) }],
    [{ type: '__proto__', theme: 'dark' }],
    [{ type: 'pulse:ready' }],
  ])('%j is none', (message) => {
    const { wished, say } = heard();
    say({ ...message, protocol });
    expect(wished).not.toHaveBeenCalled();
  });

  it('is heard from that page only, and takes nothing along', () => {
    const { wished, say } = heard();
    const theme = { type: 'pulse:theme', theme: 'dark', protocol };
    say(theme, 'https://evil.example');
    say(theme, crm, {});
    expect(wished).not.toHaveBeenCalled();
    const crooked: unknown = JSON.parse(
      `{"type":"pulse:theme","theme":"dark","protocol":${protocol},"__proto__":{"evil":1},"constructor":{"prototype":{"evil":1}}}`,
    );
    say(crooked);
    expect(wished.mock.calls).toEqual([[{ type: 'pulse:theme', theme: 'dark' }]]);
    expect(({} as { evil?: unknown }).evil).toBeUndefined();
  });
});
