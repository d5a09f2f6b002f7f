import type { Transaction } from '../api/types';
import type { Language } from '../i18n/language';

/** A document's name as people say it: *Invoice 1045*. */
export function nameOf({ t }: Language, { kind, number }: Pick<Transaction, 'kind' | 'number'>) {
  const word = t.transactions.kind[kind];
  return number ? `${word} ${number}` : word;
}

/** Whether a document settles others, rather than being settled. */
export function isCredit({ kind }: Pick<Transaction, 'kind'>): boolean {
  return ['PAYMENT', 'CREDIT_NOTE', 'OVERPAYMENT', 'PREPAYMENT', 'DEPOSIT'].includes(kind);
}
