import { describe, expect, it } from 'vitest';
import { isNegative, isZero, magnitude } from './decimal';
import { Format } from './format';

const en = new Format('en-US');
const de = new Format('de-DE');

describe('money', () => {
  it('is exact where a number would not be', () => {
    const amount = '12345678901234567890.12';
    expect(en.money({ amount, currency: 'USD' })).toBe('$12,345,678,901,234,567,890.12');
    expect(de.money({ amount, currency: 'EUR' })).toBe('12.345.678.901.234.567.890,12\u00a0€');
  });

  it('keeps the digits that there are and adds those that the currency wants', () => {
    expect(en.money({ amount: '4.1575', currency: 'USD' })).toBe('$4.1575');
    expect(en.money({ amount: '4', currency: 'USD' })).toBe('$4.00');
    expect(en.money({ amount: '1200', currency: 'JPY' })).toBe('¥1,200');
    expect(en.money({ amount: '0.005', currency: 'KWD' })).toContain('0.005');
  });

  it('tells currencies with one sign apart', () => {
    expect(en.money({ amount: '1', currency: 'CAD' })).not.toBe(
      en.money({ amount: '1', currency: 'USD' }),
    );
  });

  it('writes what is no currency with its code', () => {
    expect(en.money({ amount: '7.50', currency: '??' })).toBe('7.50 ??');
  });

  it('comes in pieces that make the whole', () => {
    for (const format of [en, de]) {
      for (const money of [
        { amount: '-1234.5', currency: 'EUR' },
        { amount: '98', currency: 'JPY' },
      ]) {
        const { lead, fraction, trail } = format.moneyPieces(money);
        expect(lead + fraction + trail).toBe(format.money(money));
      }
    }
  });
});

describe('dates', () => {
  it('runs in a zone west of Greenwich, where a naive date would be the day before', () => {
    expect(new Date('2026-11-23T00:00:00Z').getDate()).toBe(22);
  });

  it('are the same day in every zone', () => {
    expect(en.date('2026-11-23')).toBe('Nov 23, 2026');
    expect(de.date('2026-01-01')).toBe('01.01.2026');
  });

  it('leave out the year only when it is this one', () => {
    expect(en.shortDate('2026-03-09', '2026-11-23')).toBe('Mar 9');
    expect(en.shortDate('2025-12-31', '2026-11-23')).toBe('Dec 31, 2025');
  });

  it('that are none are shown as they are', () => {
    expect(en.date('soon')).toBe('soon');
  });

  it('have an age in one unit, never in the future', () => {
    const now = Date.parse('2026-11-23T12:00:00Z');
    expect(en.age('2026-11-23T11:58:01Z', now)).toBe('1 minute ago');
    expect(en.age('2026-11-23T09:00:00Z', now)).toBe('3 hours ago');
    expect(en.age('2026-11-20T11:00:00Z', now)).toBe('3 days ago');
    expect(en.age('2026-11-23T12:05:00Z', now)).toBe('now');
  });
});

describe('shares and days', () => {
  it('cut a share, so that almost all is not all', () => {
    expect(en.percent('0.996')).toBe('99%');
    expect(en.percent('1')).toBe('100%');
    expect(en.percent('1.123456')).toBe('112%');
  });

  it('round days for words and know the singular', () => {
    expect(en.dayCount('-4.6')).toBe('5');
    expect(en.noDays('-0.4')).toBe(true);
    expect(en.noDays('0.6')).toBe(false);
    expect(en.oneDay('-1.2')).toBe(true);
    expect(en.oneDay(2)).toBe(false);
  });
});

describe('decimal text', () => {
  it('tells zero, sign and size without arithmetic', () => {
    expect(['0', '0.00', '-0.00'].map(isZero)).toEqual([true, true, true]);
    expect(isZero('0.000000000000000000001')).toBe(false);
    expect([isNegative('-0.01'), isNegative('-0.00'), isNegative('5')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(magnitude('-12.30')).toBe('12.30');
  });
});
