/*
 * What can be said of a decimal without arithmetic. Amounts stay the text that the server wrote:
 * a JavaScript number would round them.
 */

/** Whether it is zero (`0`, `-0.00`). */
export const isZero = (decimal: string): boolean => /^-?0*(?:\.0*)?$/.test(decimal);

/** Whether it is below zero. */
export const isNegative = (decimal: string): boolean => decimal.startsWith('-') && !isZero(decimal);

/** Without its sign. */
export const magnitude = (decimal: string): string => decimal.replace(/^-/, '');

/** A fraction as a share of a drawing, between 0 and 1: for widths, never for words. */
export const forDrawing = (fraction: string): number =>
  Math.min(1, Math.max(0, Number(fraction) || 0));
