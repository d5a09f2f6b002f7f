import {
  protocol,
  readHostMessage,
  type LocaleMessage,
  type ThemeMessage,
  type WidgetMessage,
} from './messages';

/** How long the page may take to answer with a token. */
const answerWithinMs = 10_000;

/** Whether a configured origin is one exact origin: no pattern, no path. */
function isExact(origin: string): boolean {
  try {
    return new URL(origin).origin === origin && !origin.includes('*');
  } catch {
    return false;
  }
}

/** What the page may wish while the widget stands. */
export type Wish = ThemeMessage | LocaleMessage;

/** The request that waits for its token. */
interface Asked {
  readonly id: string;
  readonly take: (token: string) => void;
}

/**
 * The way to the page that embeds the widget. Sends to exact origins only, and hears only the
 * parent window, and it only from one of these origins.
 */
export class HostBridge {
  private readonly origins: readonly string[];
  private asked: Asked | null = null;

  constructor(
    private readonly self: Window,
    origins: readonly string[],
    private readonly wished: (wish: Wish) => void = () => undefined,
  ) {
    this.origins = origins.filter(isExact);
    self.addEventListener('message', this.hear);
  }

  /** Whether there is a page to talk to. */
  get connected(): boolean {
    return this.self.parent !== this.self && this.targets().length > 0;
  }

  /** Says something to the page. */
  post(message: WidgetMessage): void {
    if (this.self.parent === this.self) return;
    for (const origin of this.targets()) {
      this.self.parent.postMessage({ ...message, protocol }, origin);
    }
  }

  /** Asks the page for a freshly signed token; rejects when none comes in time. */
  requestToken(): Promise<string> {
    return new Promise((resolve, reject) => {
      if (!this.connected) {
        reject(new Error('no host page to ask'));
        return;
      }
      // Cannot be guessed, so that only who was asked can answer.
      const bits = crypto.getRandomValues(new Uint8Array(16));
      const id = Array.from(bits, (byte) => byte.toString(16).padStart(2, '0')).join('');
      const timeout = setTimeout(() => {
        // A later request may wait by now.
        if (this.asked?.id === id) this.asked = null;
        reject(new Error('the host page gave no token'));
      }, answerWithinMs);
      const take = (token: string): void => {
        clearTimeout(timeout);
        resolve(token);
      };
      this.asked = { id, take };
      this.post({ type: 'pulse:renew', id });
    });
  }

  /** Stops hearing. */
  close(): void {
    this.self.removeEventListener('message', this.hear);
  }

  private readonly hear = (event: MessageEvent): void => {
    if (event.source !== this.self.parent || !this.origins.includes(event.origin)) return;
    const message = readHostMessage(event.data);
    if (message?.type !== 'pulse:token') {
      if (message) this.wished(message);
      return;
    }
    const { asked } = this;
    if (asked?.id !== message.id) return;
    this.asked = null;
    asked.take(message.token);
  };

  /**
   * The origins to send to. A browser that tells the parent's origin spares the others, each of
   * which would only leave a line in the console.
   */
  private targets(): readonly string[] {
    const ancestors = (this.self.location as { ancestorOrigins?: DOMStringList }).ancestorOrigins;
    const parent = ancestors?.[0];
    return parent ? this.origins.filter((origin) => origin === parent) : this.origins;
  }
}
