import type { Money } from '../api/types';
import { magnitude } from './decimal';

/** An amount in the pieces of which its parts are set differently. */
export interface MoneyPieces {
  /** Sign, currency before the figure, whole units. */
  readonly lead: string;
  /** The decimal separator and what follows it. */
  readonly fraction: string;
  /** What stands behind the figure, such as a currency. */
  readonly trail: string;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Everything that is written differently in another language or country. */
export class Format {
  private readonly moneyFormats = new Map<string, Intl.NumberFormat | null>();
  private readonly quantities: Intl.NumberFormat;
  private readonly days: Intl.NumberFormat;
  private readonly percents: Intl.NumberFormat;
  private readonly dates: Intl.DateTimeFormat;
  private readonly daysOfYear: Intl.DateTimeFormat;
  private readonly instants: Intl.DateTimeFormat;
  private readonly ages: Intl.RelativeTimeFormat;

  constructor(readonly locale: string) {
    this.quantities = new Intl.NumberFormat(locale, { maximumFractionDigits: 6 });
    this.days = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
    // Cut, not rounded: 99.6 % of a limit is not all of it.
    this.percents = new Intl.NumberFormat(locale, {
      style: 'percent',
      maximumFractionDigits: 0,
      roundingMode: 'trunc',
    });
    // A civil date is the same day everywhere: it is read and written in one and the same zone.
    this.dates = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' });
    this.daysOfYear = new Intl.DateTimeFormat(locale, {
      day: 'numeric',
      month: 'short',
      timeZone: 'UTC',
    });
    this.instants = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
    this.ages = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  }

  /** An amount with its currency, exact to the last digit. */
  money(money: Money): string {
    const format = this.moneyFormat(money);
    return format ? format.format(exact(money.amount)) : `${money.amount} ${money.currency}`;
  }

  /** An amount without its sign: for sentences that say in words which way it goes. */
  moneyMagnitude(money: Money): string {
    return this.money({ ...money, amount: magnitude(money.amount) });
  }

  /** An amount in pieces. */
  moneyPieces(money: Money): MoneyPieces {
    const format = this.moneyFormat(money);
    if (!format) return { lead: money.amount, fraction: '', trail: ` ${money.currency}` };
    const parts = format.formatToParts(exact(money.amount));
    const join = (some: readonly Intl.NumberFormatPart[]) =>
      some.map(({ value }) => value).join('');
    const decimal = parts.findIndex(({ type }) => type === 'decimal');
    const fraction = parts.findIndex(({ type }) => type === 'fraction');
    if (decimal < 0 || fraction < 0) return { lead: join(parts), fraction: '', trail: '' };
    return {
      lead: join(parts.slice(0, decimal)),
      fraction: join(parts.slice(decimal, fraction + 1)),
      trail: join(parts.slice(fraction + 1)),
    };
  }

  /** A quantity as it stands on a document. */
  quantity(decimal: string): string {
    return this.quantities.format(exact(decimal));
  }

  /** Whole days, without a sign. */
  dayCount(days: string | number): string {
    return this.days.format(exact(magnitude(String(days))));
  }

  /** Whether so many days round to none. */
  noDays(days: string): boolean {
    return Math.round(Math.abs(Number(days))) === 0;
  }

  /** Whether so many days round to one, for the singular. */
  oneDay(days: string | number): boolean {
    return new Intl.PluralRules(this.locale).select(Math.round(Math.abs(Number(days)))) === 'one';
  }

  /** A fraction as a percentage. */
  percent(fraction: string): string {
    return this.percents.format(exact(fraction));
  }

  /** A civil date. */
  date(date: string): string {
    const instant = new Date(`${date}T00:00:00Z`);
    return Number.isNaN(instant.getTime()) ? date : this.dates.format(instant);
  }

  /** A civil date without its year where that is the year of `today`: for lists. */
  shortDate(date: string, today: string): string {
    const instant = new Date(`${date}T00:00:00Z`);
    if (date.slice(0, 4) !== today.slice(0, 4) || Number.isNaN(instant.getTime())) {
      return this.date(date);
    }
    return this.daysOfYear.format(instant);
  }

  /** An instant in the viewer's own time zone. */
  instant(instant: string): string {
    const date = new Date(instant);
    return Number.isNaN(date.getTime()) ? instant : this.instants.format(date);
  }

  /** How long ago an instant was, in one unit. */
  age(instant: string, now: number): string {
    const passed = Math.max(0, now - Date.parse(instant));
    if (Number.isNaN(passed)) return instant;
    if (passed < minute) return this.ages.format(0, 'second');
    if (passed < hour) return this.ages.format(-Math.floor(passed / minute), 'minute');
    if (passed < day) return this.ages.format(-Math.floor(passed / hour), 'hour');
    return this.ages.format(-Math.floor(passed / day), 'day');
  }

  private moneyFormat({ currency }: Money): Intl.NumberFormat | null {
    const known = this.moneyFormats.get(currency);
    if (known !== undefined) return known;
    let format: Intl.NumberFormat | null = null;
    try {
      // As many digits as there are (unit prices have more than two), at least the currency's own.
      format = new Intl.NumberFormat(this.locale, {
        style: 'currency',
        currency,
        maximumFractionDigits: 12,
      });
    } catch {
      // Not a currency code that the browser takes: the amount is written with the code behind it.
    }
    this.moneyFormats.set(currency, format);
    return format;
  }
}

/** `Intl` formats decimal text exactly; its type asks for a narrower text than ours. */
const exact = (decimal: string): Intl.StringNumericLiteral => decimal as Intl.StringNumericLiteral;
