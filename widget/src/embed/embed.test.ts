import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { mount, protocol, type EmbedError, type Mounted, type MountOptions } from './embed';

const server = 'https://pulse.example';

/** A form as it was sent: where to, and with which fields. */
interface Sent {
  readonly action: string;
  readonly method: string;
  readonly target: string;
  readonly fields: Record<string, string>;
}

const sent: Sent[] = [];
let mounted: Mounted | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(HTMLFormElement.prototype, 'submit').mockImplementation(function (
    this: HTMLFormElement,
  ) {
    const inputs = [...this.querySelectorAll('input')];
    sent.push({
      action: this.action,
      method: this.method,
      target: this.target,
      fields: Object.fromEntries(inputs.map(({ name, value }) => [name, value])),
    });
  });
});
afterEach(() => {
  mounted?.destroy();
  sent.length = 0;
  document.body.innerHTML = '';
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A page with the widget in it. */
async function page(
  options: { [option in keyof MountOptions]?: MountOptions[option] | undefined } = {},
) {
  const place = document.createElement('div');
  document.body.append(place);
  const getToken = vi.fn<MountOptions['getToken']>(() => Promise.resolve('signed'));
  const errors: EmbedError[] = [];
  const onReady = vi.fn();
  mounted = mount(place, {
    server,
    tenant: 'acme',
    getToken,
    onReady,
    onError: (error) => errors.push(error),
    ...options,
  } as MountOptions);
  await vi.advanceTimersByTimeAsync(1);
  const frame = (): HTMLIFrameElement => {
    const found = place.querySelector('iframe');
    if (!found) throw new Error('no frame');
    return found;
  };
  const said: [unknown, unknown][] = [];
  const inside = (): Window => {
    const { contentWindow } = frame();
    if (!contentWindow) throw new Error('no window');
    vi.spyOn(contentWindow, 'postMessage').mockImplementation(((data: unknown, origin: unknown) => {
      said.push([data, origin]);
    }) as typeof contentWindow.postMessage);
    return contentWindow;
  };
  let window_: Window | undefined;
  /** Something arrives at the page; from the widget itself where nothing else is said. */
  const arrives = async (data: unknown, origin = server, source?: unknown) => {
    window_ ??= inside();
    const event = new MessageEvent('message', { data, origin });
    Object.defineProperty(event, 'source', { value: source === undefined ? window_ : source });
    window.dispatchEvent(event);
    await vi.advanceTimersByTimeAsync(1);
  };
  return { place, frame, arrives, getToken, errors, onReady, said, widget: mounted };
}

const ready = { type: 'pulse:ready', protocol };
const renew = (id: string) => ({ type: 'pulse:renew', protocol, id });

describe('the frame', () => {
  it('may do what the widget needs, and has a name for those who hear the page', async () => {
    const { frame } = await page({ title: 'Pulse of Alder' });
    expect(frame().title).toBe('Pulse of Alder');
    expect(frame().getAttribute('referrerpolicy')).toBe('no-referrer');
    expect(frame().getAttribute('allow')).toBe('');
    expect(frame().getAttribute('sandbox')?.split(' ')).toEqual([
      'allow-scripts',
      'allow-same-origin',
      'allow-forms',
      'allow-popups',
      'allow-popups-to-escape-sandbox',
    ]);
  });

  it('gets the token by a form that is gone at once, in no address', async () => {
    const { frame } = await page({
      tenant: 'a/b?c',
      theme: 'dark',
      locale: 'de-AT',
      contact: 'person:42',
      company: 'company:9',
    });
    expect(sent).toEqual([
      {
        action: `${server}/embed/a%2Fb%3Fc/native?theme=dark`,
        method: 'post',
        target: frame().name,
        fields: { token: 'signed', contact: 'person:42', company: 'company:9', locale: 'de-AT' },
      },
    ]);
    expect(document.querySelector('form')).toBeNull();
    expect(document.documentElement.outerHTML).not.toContain('signed');
    expect(frame().getAttribute('src')).toBeNull();
  });

  it('goes to the address without a tenant where the keys are an app’s', async () => {
    await page({ preset: 'dynamics', tenant: undefined });
    expect(sent[0]?.action).toBe(`${server}/embed/dynamics`);
  });

  it('is as tall as the widget says, within bounds', async () => {
    const { frame, arrives } = await page();
    for (const [height, expected] of [
      [640.2, '641px'],
      [1e9, '6000px'],
      [-5, '80px'],
      [Number.NaN, '80px'],
      [Number.POSITIVE_INFINITY, '80px'],
      ['700', '80px'],
    ]) {
      await arrives({ type: 'pulse:resize', protocol, height });
      expect(frame().style.height).toBe(expected);
    }
  });

  it('goes with the widget, and with it everything that listens', async () => {
    const { place, arrives, getToken, widget, said } = await page();
    await arrives(ready);
    said.length = 0;
    widget.destroy();
    expect(place.childElementCount).toBe(0);
    await arrives(renew('1'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(getToken).toHaveBeenCalledOnce();
    expect(said).toEqual([]);
    widget.setTheme('dark');
    widget.destroy();
  });

  it('of another record is another frame, with a token for that record', async () => {
    const { frame, getToken, widget } = await page({ contact: 'person:1' });
    const before = frame();
    widget.setContact({ contact: 'person:2' });
    await vi.advanceTimersByTimeAsync(1);
    expect(getToken.mock.calls).toEqual([[{ contact: 'person:1' }], [{ contact: 'person:2' }]]);
    expect(frame()).not.toBe(before);
    expect(before.isConnected).toBe(false);
    expect(sent[1]?.fields).toEqual({ token: 'signed', contact: 'person:2' });
    expect(sent[1]?.target).not.toBe(sent[0]?.target);
  });

  it('that was left before its token came gets none', async () => {
    let give: (token: string) => void = () => undefined;
    const { widget } = await page({ getToken: () => new Promise((done) => (give = done)) });
    widget.destroy();
    give('late');
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toEqual([]);
  });
});

describe('a request for a token', () => {
  it('is answered to the exact origin, with its own id', async () => {
    const { arrives, said } = await page({ contact: 'person:1' });
    await arrives(ready);
    said.length = 0;
    await arrives(renew('abc'));
    expect(said).toEqual([[{ type: 'pulse:token', protocol, id: 'abc', token: 'signed' }, server]]);
  });

  it.each<[string, unknown, string?, unknown?]>([
    ['another origin', renew('1'), 'https://evil.example'],
    ['a look-alike origin', renew('1'), `${server}.evil.example`],
    ['a page without an origin', renew('1'), 'null'],
    ['another window', renew('1'), server, window],
    ['no window', renew('1'), server, null],
    ['another version', { ...renew('1'), protocol: 2 }],
    ['no version', { type: 'pulse:renew', id: '1' }],
    ['no id', { type: 'pulse:renew', protocol }],
    ['an endless id', renew('x'.repeat(65))],
    ['a token', { type: 'pulse:token', protocol, id: '1', token: 'x' }],
    ['a text', 'pulse:renew'],
    ['nothing', null],
  ])('by %s is not', async (_, data, origin = server, source) => {
    const { arrives, said, getToken } = await page();
    await arrives(ready);
    said.length = 0;
    await arrives(data, origin, source);
    expect(said).toEqual([]);
    expect(getToken).toHaveBeenCalledOnce();
  });

  it('that comes a thousand times asks the page’s server once, and the last one is answered', async () => {
    const given: ((token: string) => void)[] = [];
    const getToken = vi.fn(() => new Promise<string>((done) => given.push(done)));
    const { arrives, said } = await page({ getToken });
    given[0]?.('first');
    await vi.advanceTimersByTimeAsync(1);
    await arrives(ready);
    said.length = 0;
    for (let id = 0; id < 1_000; id += 1) await arrives(renew(String(id)));
    expect(getToken).toHaveBeenCalledTimes(2);
    given[1]?.('second');
    await vi.advanceTimersByTimeAsync(1);
    expect(said).toEqual([[{ type: 'pulse:token', protocol, id: '999', token: 'second' }, server]]);
  });
});

describe('the page hears', () => {
  it('that the widget stands', async () => {
    const { arrives, onReady, errors, said } = await page({ theme: 'light', locale: 'en' });
    await arrives(ready);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(onReady).toHaveBeenCalledOnce();
    expect(errors).toEqual([]);
    expect(said).toEqual([[{ type: 'pulse:theme', protocol, theme: 'light' }, server]]);
  });

  it('that it did not come', async () => {
    const { errors } = await page();
    await vi.advanceTimersByTimeAsync(15_001);
    expect(errors.map(({ code }) => code)).toEqual(['NOT_READY']);
  });

  it.each<[string, MountOptions['getToken']]>([
    ['rejected', () => Promise.reject(new Error('signed out'))],
    [
      'threw',
      () => {
        throw new Error('signed out');
      },
    ],
    ['gave nothing', () => ''],
    ['gave no text', () => 7 as unknown as string],
  ])('that getToken %s', async (_, getToken) => {
    const { errors } = await page({ getToken });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(errors.map(({ code }) => code)).toEqual(['TOKEN']);
    expect(sent).toEqual([]);
  });
});

describe('what is set while the page is open', () => {
  it('goes to the widget', async () => {
    const { arrives, said, widget } = await page();
    await arrives(ready);
    widget.setTheme('dark');
    widget.setLocale('de');
    expect(said.slice(1)).toEqual([
      [{ type: 'pulse:theme', protocol, theme: 'dark' }, server],
      [{ type: 'pulse:locale', protocol, locale: 'de' }, server],
    ]);
    expect(() => {
      widget.setTheme('pink' as 'dark');
    }).toThrow(TypeError);
  });

  it('goes there once it stands, too', async () => {
    const { arrives, said, widget } = await page({ theme: 'light', locale: 'en' });
    widget.setTheme('dark');
    widget.setLocale('de');
    await arrives(ready);
    expect(said.slice(-2)).toEqual([
      [{ type: 'pulse:theme', protocol, theme: 'dark' }, server],
      [{ type: 'pulse:locale', protocol, locale: 'de' }, server],
    ]);
  });
});

it.each<[string, object]>([
  ['tenant', { tenant: '' }],
  ['tenant', { tenant: undefined }],
  ['getToken', { getToken: 'signed' }],
  ['preset', { preset: '../admin' }],
  ['theme', { theme: 'pink' }],
  ['server', { server: undefined }],
  ['server', { server: 'javascript:alert(1)' }],
])('a wrong %s is said at once: %j', (name, wrong) => {
  const options = { server, tenant: 'acme', getToken: () => 'signed', ...wrong } as MountOptions;
  expect(() => mount(document.createElement('div'), options)).toThrow(
    new RegExp(`FinancialPulse.mount: ${name} `),
  );
});
