import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Transaction } from '../api/types';
import { isZero } from '../format/decimal';
import { useLanguage, type Language } from '../i18n/language';
import type { Shown } from '../pulse/state';
import { Amount } from './amount';
import layout from './layout.module.css';
import { lazy } from './lazy';
import { isCredit, nameOf } from './transaction-words';
import styles from './transactions.module.css';

const Details = lazy(async () => (await import('./transaction-details')).Details);

interface TransactionsProps {
  readonly state: Shown;
  readonly showMore: () => void;
  readonly open: (id: string) => void;
}

/** The latest documents, each with what stands on it when it is opened. */
export function Transactions({ state, showMore, open }: TransactionsProps) {
  const { t } = useLanguage();
  const { documents, details, link } = state;
  const shown = documents.edges.slice(0, documents.visible);
  const more = documents.hasMore || documents.edges.length > shown.length;
  const list = useRef<HTMLUListElement>(null);
  const focusFrom = useRef<number | null>(null);

  // Where "show more" goes away under the focus, the focus goes on to the first new document: before
  // anyone can press a key, who would find herself at the top of the page.
  useLayoutEffect(() => {
    const index = focusFrom.current;
    if (index === null || documents.loading) return;
    focusFrom.current = null;
    if (!more) list.current?.children[index]?.querySelector('button')?.focus();
  }, [documents, more]);

  return (
    <section class={`${layout.section} ${layout.ruled}`} aria-labelledby="transactions">
      <h2 class={layout.heading} id="transactions">
        {t.transactions.heading}
        {documents.total > 0 && (
          <span class={layout.aside}>{t.transactions.count(shown.length, documents.total)}</span>
        )}
      </h2>
      {documents.total === 0 ? (
        <p class={layout.soft}>
          {state.pulse.balance ? t.transactions.none : t.transactions.noneYet}
        </p>
      ) : (
        <ul class={styles.list} ref={list}>
          {shown.map(({ node }) => (
            <Row
              key={node.id}
              transaction={node}
              details={details[node.id]}
              today={state.pulse.asOf}
              nameCustomer={link.customers.length > 1}
              open={open}
            />
          ))}
        </ul>
      )}
      {documents.failed && (
        <p role="alert">
          {t.transactions.moreFailed} {t.errors[documents.failed]}
        </p>
      )}
      {more && (
        <button
          type="button"
          class={`${layout.button} ${layout.wide}`}
          aria-disabled={documents.loading}
          onClick={() => {
            if (documents.loading) return;
            focusFrom.current = shown.length;
            showMore();
          }}
        >
          {documents.loading ? t.transactions.loadingMore : t.transactions.more}
        </button>
      )}
    </section>
  );
}

interface RowProps {
  readonly transaction: Transaction;
  readonly details: Shown['details'][string] | undefined;
  readonly today: string;
  readonly nameCustomer: boolean;
  readonly open: (id: string) => void;
}

function Row({ transaction, details, today, nameCustomer, open }: RowProps) {
  const language = useLanguage();
  const { t } = language;
  const [expanded, setExpanded] = useState(false);
  const { id, status, total } = transaction;
  const region = `details-${id}`;

  // A document that changed while it was open is asked for anew.
  const missing = expanded && details === undefined;
  useEffect(() => {
    if (missing) open(id);
  }, [missing, id, open]);

  return (
    <li class={styles[status]}>
      <button
        type="button"
        class={styles.row}
        aria-expanded={expanded}
        aria-controls={expanded ? region : undefined}
        onClick={() => {
          setExpanded(!expanded);
        }}
      >
        <span class={styles.name}>{nameOf(language, transaction)}</span>
        <span class={styles.amount}>
          {total ? <Amount of={total} /> : <span class="heard">{t.transactions.amountHidden}</span>}
        </span>
        <svg class={styles.chevron} viewBox="0 0 12 12" aria-hidden="true" focusable="false">
          <path
            d="m4.25 2 4 4-4 4"
            fill="none"
            stroke="currentColor"
            stroke-width="1.75"
            stroke-linecap="round"
            stroke-linejoin="round"
          />
        </svg>
        <span class={styles.when}>{whenOf(language, transaction, today)}</span>
        <span class={styles.status} data-status={status}>
          {statusOf(language, transaction)}
          <PartlyOpen transaction={transaction} />
        </span>
      </button>
      {expanded && (
        // Here, so that the button has what it controls while the details are being loaded.
        <div class={styles.details} id={region} aria-busy={details?.is !== 'loaded'}>
          <Details
            transaction={transaction}
            details={details}
            nameCustomer={nameCustomer}
            retry={() => {
              open(id);
            }}
          />
        </div>
      )}
    </li>
  );
}

/** Its date, and what matters of its due date while it is open. */
function whenOf({ t, f }: Language, transaction: Transaction, today: string): string {
  const { date, dueDate, daysPastDue, open, status } = transaction;
  const issued = f.shortDate(date, today);
  const isOpen = open === null ? status !== 'PAID' : !isZero(open.amount);
  if (!isOpen || !dueDate || daysPastDue === null || isCredit(transaction)) return issued;
  if (daysPastDue > 0) return `${issued} · ${t.transactions.daysLate(f, daysPastDue)}`;
  if (daysPastDue === 0) return `${issued} · ${t.transactions.dueToday}`;
  return `${issued} · ${t.transactions.dueOn(f.shortDate(dueDate, today))}`;
}

/** Its status in a word. */
function statusOf({ t }: Language, transaction: Transaction): string {
  const { status } = transaction;
  return status === 'PAID' && isCredit(transaction)
    ? t.transactions.applied
    : t.transactions.status[status];
}

/** What is still open, where that is a part of it. */
function PartlyOpen({ transaction }: { readonly transaction: Transaction }) {
  const { t, f } = useLanguage();
  const { open, total } = transaction;
  if (!open || !total || isZero(open.amount) || open.amount === total.amount) return null;
  return <span class={styles.open}>{t.transactions.open(f.money(open))}</span>;
}
