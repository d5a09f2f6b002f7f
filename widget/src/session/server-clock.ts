/** A clock that differs from ours by less than this is taken as ours: the header has whole seconds. */
const toleranceMs = 2_000;

/**
 * The server's time of day. A session ends by the server's clock, and the clocks of laptops are
 * wrong more often than one thinks; every answer carries the server's in its `Date` header.
 */
export class ServerClock {
  private offsetMs = 0;

  /** Milliseconds since the epoch, on the server. */
  now(): number {
    return Date.now() + this.offsetMs;
  }

  /** Takes this for the server's time, until the server has told it. */
  presume(now: number): void {
    this.offsetMs = now - Date.now();
  }

  /** Takes the time from an answer's `Date` header. Tells whether the clock moved. */
  observe(header: string | null): boolean {
    const stated = header === null ? Number.NaN : Date.parse(header);
    if (Number.isNaN(stated)) return false;
    // The header leaves out the fraction of the second: half of one on average.
    const difference = stated + 500 - Date.now();
    const offset = Math.abs(difference) < toleranceMs ? 0 : difference;
    if (Math.abs(offset - this.offsetMs) < toleranceMs) return false;
    this.offsetMs = offset;
    return true;
  }
}
