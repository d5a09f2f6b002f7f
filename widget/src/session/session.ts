import { ServerClock } from './server-clock';

/** A bearer and when it ends (milliseconds since the epoch, by the server's clock). */
export interface Credentials {
  readonly token: string;
  readonly expiresAt: number;
  /** Until when a session may be had for this one; `null` where nothing was said. */
  readonly hardCap: number | null;
}

/** Where a new session comes from. */
export interface Renewal {
  /** Gets one; rejects where that fails. `current` is the bearer that was given last. */
  readonly get: (current: string | null) => Promise<Credentials>;
  /**
   * Whether it is traded for the one that still lives, up to its hard cap. Otherwise the CRM signs a
   * token for it, also when the old one has ended.
   */
  readonly fromItself: boolean;
}

export interface SessionEvents {
  /** A new bearer stands; what runs on the old one should move over. */
  renewed(): void;
  /** No bearer stands any more: nothing that it protected may stay on the screen. */
  ended(): void;
}

/** How much of a session is presumed to be left where the laptop's clock says that it ended. */
const presumedMs = 30_000;
/** Renew this long before the end at the latest. */
const longestLeadMs = 60_000;
/** Renew once this share of what was left at the start has remained. */
const leadShare = 0.35;
/** An end that is noticed so late was slept through. */
const oversleptMs = 2_000;
/** Between two tries, where a renewal failed. */
const shortestRetryMs = 500;

/**
 * The session that every request carries. In memory only: it ends with the page. It renews itself
 * before it ends, tries again while there is time, and tells when it has ended.
 */
export class Session {
  private current: Credentials | null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private renewing: Promise<boolean> | null = null;
  private events: SessionEvents | null = null;
  private atCap = false;
  private overslept = false;

  constructor(
    first: Credentials | null,
    private readonly renewal: Renewal | null,
    private readonly clock: ServerClock = new ServerClock(),
  ) {
    this.current = first;
    // A page comes with a session that lives: a clock by which it has ended is wrong.
    if (first && first.expiresAt <= clock.now()) clock.presume(first.expiresAt - presumedMs);
  }

  /** Whether the CRM can be asked for another session after this one has ended. */
  get renewable(): boolean {
    return this.renewal !== null && !this.renewal.fromItself;
  }

  /** Whether the session ended because it may not last longer, however often it is renewed. */
  get capped(): boolean {
    return this.atCap;
  }

  /** The bearer to send; `null` once the session has ended. */
  token(): string | null {
    return this.current && this.clock.now() < this.current.expiresAt ? this.current.token : null;
  }

  /** Starts watching the end. */
  start(events: SessionEvents): void {
    this.events = events;
    this.schedule();
  }

  /** Takes the server's time from an answer. */
  observe(dateHeader: string | null): void {
    if (this.clock.observe(dateHeader) && this.events) this.schedule();
  }

  /**
   * Looks at the clock at once: timers sleep with the laptop and in hidden tabs. Where the session
   * ended meanwhile, the CRM is asked for another without waiting for the viewer.
   */
  check(): void {
    if (!this.events) return;
    if (this.current) this.schedule();
    if (!this.current && this.overslept && this.renewable) void this.renew();
  }

  /** Gets a new session now; tells whether one stands. Several callers share one attempt. */
  async renew(): Promise<boolean> {
    return this.renewing ?? this.attempt();
  }

  /** Gets a new session because the viewer wants one, whatever became of an attempt under way. */
  async resume(): Promise<boolean> {
    return this.attempt();
  }

  /** The server no longer takes the bearer: a new one, or the end. */
  async rejected(): Promise<boolean> {
    if (await this.renew()) return true;
    this.end();
    return false;
  }

  private async attempt(): Promise<boolean> {
    const { renewal } = this;
    if (!renewal) return false;
    const attempt = renewal
      .get(this.current?.token ?? null)
      .then(
        (credentials) => {
          this.current = credentials;
          this.events?.renewed();
          return true;
        },
        () => false,
      )
      .finally(() => {
        if (this.renewing === attempt) this.renewing = null;
        if (this.events) this.schedule();
      });
    this.renewing = attempt;
    // The old one still ends in time, however long the attempt takes.
    if (this.events) this.schedule();
    return attempt;
  }

  private end(): void {
    clearTimeout(this.timer);
    if (!this.current) return;
    this.atCap = this.isLast(this.current);
    this.overslept = this.clock.now() - this.current.expiresAt > oversleptMs;
    this.current = null;
    this.events?.ended();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const { current } = this;
    if (!current) return;
    const left = current.expiresAt - this.clock.now();
    if (left <= 0) {
      this.end();
      return;
    }
    if (this.renewal && !this.renewing && !this.isLast(current)) {
      const wait = this.untilRenewal(current, left);
      if (wait < left) {
        this.after(wait, () => void this.renew());
        return;
      }
    }
    this.after(left, () => {
      this.end();
    });
  }

  /** Whether a session that is renewed from itself would get no longer. */
  private isLast({ expiresAt, hardCap }: Credentials): boolean {
    return this.renewal?.fromItself === true && hardCap !== null && expiresAt >= hardCap;
  }

  private readonly lives = new WeakMap<Credentials, number>();

  /** How long to wait before the next try: first near the end, then in halves of what is left. */
  private untilRenewal(current: Credentials, left: number): number {
    const life = this.lives.get(current);
    if (life === undefined) {
      this.lives.set(current, left);
      return left - Math.min(longestLeadMs, left * leadShare);
    }
    const lead = Math.min(longestLeadMs, life * leadShare);
    return left > lead ? left - lead : Math.max(shortestRetryMs, left / 2);
  }

  private after(ms: number, action: () => void): void {
    // A timer past 2^31 ms would fire at once.
    this.timer = setTimeout(action, Math.min(ms, 2 ** 31 - 1));
  }
}
