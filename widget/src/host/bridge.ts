import { isTokenMessage, type WidgetMessage } from './messages';

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

/**
 * The way to the page that embeds the widget. Sends to exact origins only, and hears only the
 * parent window, and it only from one of these origins.
 */
export class HostBridge {
  private readonly origins: readonly string[];
  private waiting: ((token: string) => void) | null = null;

  constructor(
    private readonly self: Window,
    origins: readonly string[],
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
    for (const origin of this.targets()) this.self.parent.postMessage(message, origin);
  }

  /** Asks the page for a freshly signed token; rejects when none comes in time. */
  requestToken(): Promise<string> {
    return new Promise((resolve, reject) => {
      if (!this.connected) {
        reject(new Error('no host page to ask'));
        return;
      }
      const take = (token: string): void => {
        clearTimeout(timeout);
        this.waiting = null;
        resolve(token);
      };
      const timeout = setTimeout(() => {
        // A later request may wait by now.
        if (this.waiting === take) this.waiting = null;
        reject(new Error('the host page gave no token'));
      }, answerWithinMs);
      this.waiting = take;
      this.post({ type: 'pulse:renew' });
    });
  }

  /** Stops hearing. */
  close(): void {
    this.self.removeEventListener('message', this.hear);
  }

  private readonly hear = (event: MessageEvent): void => {
    if (event.source !== this.self.parent || !this.origins.includes(event.origin)) return;
    if (isTokenMessage(event.data)) this.waiting?.(event.data.token);
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
