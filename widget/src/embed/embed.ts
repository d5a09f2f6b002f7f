import {
  isTheme,
  protocol as spoken,
  readWidgetMessage,
  type HostMessage,
  type Theme,
  type WidgetMessage,
} from '../host/messages';

/** The version of the protocol that this script speaks with the widget. */
export const protocol = spoken;

/** The record that the page shows. */
export interface Shown {
  /** An id of the CRM, such as `person:42`, where the token does not sign one. */
  readonly contact?: string;
  /** The contact's company, such as `company:9`. */
  readonly company?: string;
}

/** What a page mounts the widget with. */
export interface MountOptions extends Shown {
  /** The tenant's id, as `tenant add` was given it; none where the preset's keys are an app's. */
  readonly tenant?: string;
  /** How the tokens are signed; `native` where it is left out. */
  readonly preset?: string;
  /**
   * Gets a freshly signed token from the page's own server: at the start, and each time that the
   * session nears its end. It is told which record is shown.
   */
  readonly getToken: (shown: Shown) => string | Promise<string>;
  /** `auto`, where it is left out, follows the system. */
  readonly theme?: Theme;
  /** BCP 47. A locale that the token signs goes before it at the start. */
  readonly locale?: string;
  /** The frame's name for those who hear the page. */
  readonly title?: string;
  /** The service's origin, where this script does not come from there by a `script` element. */
  readonly server?: string;
  /** The widget stands. */
  readonly onReady?: () => void;
  /** Something went wrong that the page may want to say. */
  readonly onError?: (error: EmbedError) => void;
}

/** A widget that is mounted. */
export interface Mounted {
  /** Takes the widget out of the page. */
  destroy(): void;
  setTheme(theme: Theme): void;
  setLocale(locale: string): void;
  /** Shows another record, with a token of its own. */
  setContact(shown: Shown): void;
}

/**
 * `TOKEN`: `getToken` failed or gave no text; the cause is its error. `NOT_READY`: the widget did not
 * come, because the token was refused, this page's origin may not frame it, or the service is down.
 */
export class EmbedError extends Error {
  constructor(
    readonly code: 'TOKEN' | 'NOT_READY',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'EmbedError';
  }
}

/** How long the widget may take to say that it stands. */
const readyWithinMs = 15_000;

/** The frame's height in pixels, whatever the widget says. */
const lowest = 80;
const highest = 6_000;

/**
 * What the widget needs: its scripts, its own origin to talk to, the search form, and links that open
 * the ledger in a window that is not bound by this.
 */
const sandbox =
  'allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox';

/** Where this script came from; known only while it runs for the first time. */
const home =
  document.currentScript instanceof HTMLScriptElement ? document.currentScript.src : undefined;

let frames = 0;

/** Puts the widget into an element of the page. */
export function mount(element: Element, options: MountOptions): Mounted {
  const mounted = new Mount(element, checked(options));
  void mounted.open();
  return {
    destroy: () => {
      mounted.destroy();
    },
    setTheme: (theme) => {
      mounted.setTheme(theme);
    },
    setLocale: (locale) => {
      mounted.setLocale(locale);
    },
    setContact: (shown) => {
      mounted.setContact(shown);
    },
  };
}

interface Checked extends MountOptions {
  readonly server: string;
  readonly preset: string;
}

/** The options, or a `TypeError` that says what to write. */
function checked(options: MountOptions): Checked {
  const { tenant, preset = 'native', getToken, theme = 'auto', server = home } = options;
  const wrong = (what: string): never => {
    throw new TypeError(`FinancialPulse.mount: ${what}`);
  };
  if (!/^[a-z0-9-]+$/.test(preset)) wrong('preset is a name such as native');
  if (tenant === undefined ? preset === 'native' : !tenant || typeof tenant !== 'string') {
    wrong('tenant is the id of your tenant');
  }
  if (typeof getToken !== 'function') wrong('getToken is a function that gives a signed token');
  if (!isTheme(theme)) wrong('theme is auto, light or dark');
  const origin = server === undefined ? null : originOf(server);
  if (origin === null) return wrong('server is the address of the service, https://…');
  return { ...options, preset, theme, server: origin };
}

function originOf(address: string): string | null {
  try {
    const { origin } = new URL(address, document.baseURI);
    return origin.startsWith('http') ? origin : null;
  } catch {
    return null;
  }
}

/** One widget in the page, with the frame that it stands in at the moment. */
class Mount {
  private frame: HTMLIFrameElement | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private shown: Shown;
  private theme: Theme;
  private locale: string | undefined;
  /** The request for a token that is to be answered; a later one takes its place. */
  private asked: string | null = null;
  private asking = false;
  /** Whether the widget listens: before, a message would reach an empty frame of another origin. */
  private stands = false;

  constructor(
    private readonly element: Element,
    private readonly options: Checked,
  ) {
    this.shown = shownOf(options);
    this.theme = options.theme ?? 'auto';
    this.locale = options.locale;
    window.addEventListener('message', this.hear);
  }

  /** Loads the widget in a new frame: one that is loaded anew would leave a step in the history. */
  async open(): Promise<void> {
    this.close();
    const frame = this.newFrame();
    this.frame = frame;
    this.element.append(frame);
    const token = await this.token();
    if (token === null || this.frame !== frame) return;
    this.post(frame, token);
    this.timer = setTimeout(() => {
      this.fail('NOT_READY', 'the widget did not come');
    }, readyWithinMs);
  }

  destroy(): void {
    window.removeEventListener('message', this.hear);
    this.close();
  }

  setTheme(theme: Theme): void {
    if (!isTheme(theme)) throw new TypeError('setTheme: auto, light or dark');
    this.theme = theme;
    this.say({ type: 'pulse:theme', theme });
  }

  setLocale(locale: string): void {
    this.locale = locale;
    this.say({ type: 'pulse:locale', locale });
  }

  setContact(shown: Shown): void {
    this.shown = shownOf(shown);
    void this.open();
  }

  private close(): void {
    clearTimeout(this.timer);
    this.frame?.remove();
    this.frame = null;
    this.asked = null;
    this.stands = false;
  }

  private newFrame(): HTMLIFrameElement {
    const frame = document.createElement('iframe');
    frame.title = this.options.title ?? 'Financial Pulse';
    frames += 1;
    frame.name = `financial-pulse-${frames}-${Math.random().toString(36).slice(2)}`;
    frame.referrerPolicy = 'no-referrer';
    frame.setAttribute('sandbox', sandbox);
    frame.setAttribute('allow', '');
    Object.assign(frame.style, { display: 'block', width: '100%', border: '0' });
    frame.style.height = `${lowest}px`;
    return frame;
  }

  /** Sends the token as a form into the frame, so that it stands in no address. */
  private post(frame: HTMLIFrameElement, token: string): void {
    const { server, tenant, preset } = this.options;
    const form = document.createElement('form');
    form.method = 'post';
    form.target = frame.name;
    form.hidden = true;
    const theme = this.theme === 'auto' ? '' : `?theme=${this.theme}`;
    const path = tenant === undefined ? preset : `${encodeURIComponent(tenant)}/${preset}`;
    form.action = `${server}/embed/${path}${theme}`;
    const fields = { token, ...this.shown, locale: this.locale };
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      const field = document.createElement('input');
      field.type = 'hidden';
      field.name = name;
      field.value = value;
      form.append(field);
    }
    document.body.append(form);
    // Not a method that a field of that name could stand before.
    HTMLFormElement.prototype.submit.call(form);
    form.remove();
  }

  private readonly hear = (event: MessageEvent): void => {
    const source = this.frame?.contentWindow;
    if (!source || event.source !== source || event.origin !== this.options.server) return;
    const message = readWidgetMessage(event.data);
    if (message) this.heard(message);
  };

  private heard(message: WidgetMessage): void {
    const { frame } = this;
    switch (message.type) {
      case 'pulse:ready':
        clearTimeout(this.timer);
        this.stands = true;
        // What was set while the widget came.
        this.say({ type: 'pulse:theme', theme: this.theme });
        if (this.locale !== this.options.locale && this.locale !== undefined) {
          this.say({ type: 'pulse:locale', locale: this.locale });
        }
        this.options.onReady?.();
        break;
      case 'pulse:resize':
        if (frame) frame.style.height = `${bounded(message.height)}px`;
        break;
      case 'pulse:renew':
        this.asked = message.id;
        void this.answer();
    }
  }

  /** Answers the last request; those that come while a token is under way get that one. */
  private async answer(): Promise<void> {
    if (this.asking) return;
    const { frame } = this;
    this.asking = true;
    const token = await this.token();
    this.asking = false;
    const id = this.asked;
    if (id === null) return;
    if (this.frame !== frame) {
      // Meanwhile another record is shown, which asks for a token of its own.
      await this.answer();
      return;
    }
    this.asked = null;
    if (token !== null) this.say({ type: 'pulse:token', id, token });
  }

  /** A token of the page's own server; tells the page where there is none. */
  private async token(): Promise<string | null> {
    const { frame } = this;
    try {
      const token: unknown = await this.options.getToken(this.shown);
      if (typeof token === 'string' && token !== '') return token;
      if (this.frame === frame) this.fail('TOKEN', 'getToken gave no text');
    } catch (cause) {
      if (this.frame === frame) this.fail('TOKEN', 'getToken failed', { cause });
    }
    return null;
  }

  private say(message: HostMessage): void {
    if (!this.stands) return;
    this.frame?.contentWindow?.postMessage({ ...message, protocol }, this.options.server);
  }

  private fail(code: EmbedError['code'], words: string, options?: ErrorOptions): void {
    this.options.onError?.(new EmbedError(code, words, options));
  }
}

const bounded = (height: number): number => Math.min(Math.max(Math.ceil(height), lowest), highest);

function shownOf({ contact, company }: Shown): Shown {
  return {
    ...(contact === undefined ? {} : { contact }),
    ...(company === undefined ? {} : { company }),
  };
}
