import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HostBridge } from './bridge';

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
    expect(parent.postMessage.mock.calls).toEqual([[{ type: 'pulse:ready' }, crm]]);
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
    bridge.post({ type: 'pulse:renew' });
    expect(parent.postMessage).not.toHaveBeenCalled();
    expect(bridge.connected).toBe(false);
  });

  it('goes nowhere when nothing embeds it', () => {
    const { self } = framed();
    Object.assign(self, { parent: self });
    expect(new HostBridge(self, [crm]).connected).toBe(false);
  });
});

describe('a token', () => {
  it('is taken from the page that embeds it', async () => {
    const { self, parent, say } = framed();
    const asked = new HostBridge(self, [crm]).requestToken();
    expect(parent.postMessage).toHaveBeenCalledWith({ type: 'pulse:renew' }, crm);
    say({ type: 'pulse:token', token: 'signed' });
    await expect(asked).resolves.toBe('signed');
  });

  it.each([
    ['another origin', { type: 'pulse:token', token: 'x' }, 'https://evil.example', undefined],
    ['a look-alike origin', { type: 'pulse:token', token: 'x' }, `${crm}.evil.example`, undefined],
    ['another window', { type: 'pulse:token', token: 'x' }, crm, {}],
    ['another message', { type: 'token', token: 'x' }, crm, undefined],
    ['a token that is no text', { type: 'pulse:token', token: 7 }, crm, undefined],
    ['an empty token', { type: 'pulse:token', token: '' }, crm, undefined],
    ['a text', 'pulse:token', crm, undefined],
    ['nothing', null, crm, undefined],
  ])('is not taken from %s', async (_, data, origin, source) => {
    const { self, say } = framed();
    const asked = new HostBridge(self, [crm]).requestToken();
    const refused = expect(asked).rejects.toThrow('no token');
    say(data, origin, ...(source === undefined ? [] : [source]));
    await vi.advanceTimersByTimeAsync(10_001);
    await refused;
  });

  it('that comes unasked changes nothing', async () => {
    const { self, say } = framed();
    const bridge = new HostBridge(self, [crm]);
    say({ type: 'pulse:token', token: 'early' });
    const asked = bridge.requestToken();
    say({ type: 'pulse:token', token: 'late' });
    await expect(asked).resolves.toBe('late');
  });

  it('goes to the last request, also after an earlier one was given up', async () => {
    const { self, say } = framed();
    const bridge = new HostBridge(self, [crm]);
    const first = expect(bridge.requestToken()).rejects.toThrow('no token');
    await vi.advanceTimersByTimeAsync(9_000);
    const second = bridge.requestToken();
    await vi.advanceTimersByTimeAsync(2_000);
    await first;
    say({ type: 'pulse:token', token: 'signed' });
    await expect(second).resolves.toBe('signed');
  });

  it('is not asked for where there is no page to ask', async () => {
    const { self } = framed();
    await expect(new HostBridge(self, []).requestToken()).rejects.toThrow('no host page');
  });
});
