import type { Boot } from '../boot';
import { exchange, type Exchanged } from '../session/exchange';
import type { ServerClock } from '../session/server-clock';
import type { Credentials } from '../session/session';
import { HostBridge, type Wish } from './bridge';
import { hearParentOnly, type Kit } from './kit';

/** How long a CRM's kit may take to answer. */
const answerWithinMs = 10_000;

/** The kits, each loaded where its CRM frames the page. */
const kits: Readonly<Record<string, (parameters: URLSearchParams) => Promise<Kit>>> = {
  pipedrive: async (parameters) => (await import('./pipedrive')).start(parameters.get('id')),
  monday: async () => (await import('./monday')).start(),
  canvas: async () => (await import('./canvas')).start(),
};

/** Rejects where no answer comes in time: a kit whose CRM is silent waits for ever. */
function within<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timeout = setTimeout(() => {
      reject(new Error('the CRM did not answer'));
    }, answerWithinMs);
    answer.then(resolve, reject).finally(() => {
      clearTimeout(timeout);
    });
  });
}

/**
 * The CRM around the widget: where fresh tokens come from, who is told how tall the widget is, and
 * who wishes for a theme or a language. Loaded beside the first answer.
 */
export class Host {
  private readonly bridge: HostBridge;
  private readonly kit: Promise<Kit> | null;
  /** The contact that every session of this page has to be about. */
  private contactId: string | null;
  /** The record that only the kit tells. */
  private record: string | null = null;

  constructor(
    private readonly boot: Boot,
    parameters: URLSearchParams,
    private readonly clock: ServerClock,
    wished: (wish: Wish) => void,
    self: Window = window,
  ) {
    this.contactId = boot.contactId;
    this.bridge = new HostBridge(self, boot.hostOrigins, wished);
    const start = Object.hasOwn(kits, boot.renewal) ? kits[boot.renewal] : undefined;
    this.kit = start ? begun(start, parameters, self) : null;
  }

  /** Tells the page that the widget stands, and from then on how tall it is. */
  attend(root: HTMLElement): void {
    this.bridge.post({ type: 'pulse:ready' });
    let last = 0;
    const observer = new ResizeObserver(() => {
      const height = Math.ceil(root.getBoundingClientRect().height);
      if (height === last || height === 0) return;
      last = height;
      this.bridge.post({ type: 'pulse:resize', height });
      // A panel of the wrong height is no error of the page.
      this.kit?.then((kit) => kit.resize?.(height)).catch(() => undefined);
    });
    observer.observe(root);
  }

  /** A new session, as the preset gets one. `current` is the bearer that was given last. */
  async renew(current: string | null): Promise<Credentials> {
    const { boot } = this;
    if (boot.renewal === 'session') {
      if (current === null) throw new Error('no session to renew');
      return (await this.trade(boot.sessionUrl, { token: current })).credentials;
    }
    const token = await this.token();
    const shown = this.record === null ? {} : { contact: this.record };
    return (await this.trade(boot.exchangeUrl, { token, ...shown })).credentials;
  }

  /**
   * The session about the record that only the CRM's kit knows, and that record's contact. Rejects
   * where the kit names none.
   */
  async place(): Promise<Exchanged> {
    const kit = await within(this.started());
    this.record = kit.record ? await within(kit.record()) : null;
    if (this.record === null) throw new Error('the CRM shows no record');
    const token = await this.token();
    const placed = await this.trade(this.boot.exchangeUrl, { token, contact: this.record });
    this.contactId = placed.contactId;
    return placed;
  }

  private async token(): Promise<string> {
    if (this.boot.renewal === 'host') return this.bridge.requestToken();
    const kit = await within(this.started());
    return within(kit.token());
  }

  private started(): Promise<Kit> {
    return this.kit ?? Promise.reject(new Error('the CRM gives no tokens'));
  }

  /**
   * Trades a token, and refuses a session of another tenant or about another contact: what is on the
   * screen is theirs, and so has to be what comes next.
   */
  private async trade(url: string | null, shown: Readonly<Record<string, string>>) {
    if (url === null) throw new Error('nowhere to trade a token');
    const given = await exchange(url, shown, this.clock);
    const { tenant } = this.boot;
    const isOurs =
      given.tenant === tenant && (this.contactId === null || given.contactId === this.contactId);
    if (!isOurs) throw new Error('the session is about something else');
    return given;
  }
}

/** Starts a kit at once: Pipedrive hides a panel that takes ten seconds for it. */
function begun(
  start: (parameters: URLSearchParams) => Promise<Kit>,
  parameters: URLSearchParams,
  self: Window,
): Promise<Kit> {
  hearParentOnly(self);
  const starting = start(parameters);
  // Whoever needs it sees the failure; where nobody does, it is no error of the page.
  starting.catch(() => undefined);
  return starting;
}
