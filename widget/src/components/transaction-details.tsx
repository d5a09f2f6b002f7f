import type { Transaction, TransactionDetails } from '../api/types';
import { isZero } from '../format/decimal';
import { useLanguage } from '../i18n/language';
import type { OnDemand } from '../pulse/state';
import { Amount } from './amount';
import layout from './layout.module.css';
import { isCredit, nameOf } from './transaction-words';
import styles from './transactions.module.css';

interface DetailsProps {
  readonly transaction: Transaction;
  readonly details: OnDemand<TransactionDetails> | undefined;
  /** Whether the viewer sees several customers, so that each document names its own. */
  readonly nameCustomer: boolean;
  readonly retry: () => void;
}

/** What stands on a document, and what it was settled with. */
export function Details({ transaction, details, nameCustomer, retry }: DetailsProps) {
  const { t } = useLanguage();
  const words = t.transactions.details;
  if (!details || details.is === 'loading') return <p class={layout.soft}>{words.loading}</p>;
  if (details.is === 'failed') {
    return (
      <p role="alert">
        {words.failed} {t.errors[details.code]}{' '}
        <button type="button" class={layout.button} onClick={retry}>
          {t.states.retry}
        </button>
      </p>
    );
  }
  return <Loaded transaction={transaction} details={details.value} nameCustomer={nameCustomer} />;
}

interface LoadedProps {
  readonly transaction: Transaction;
  readonly details: TransactionDetails;
  readonly nameCustomer: boolean;
}

function Loaded({ transaction, details, nameCustomer }: LoadedProps) {
  const { t, f } = useLanguage();
  const words = t.transactions.details;
  const { dueDate, dueAssumed, open } = transaction;
  const facts: [string, string][] = [];
  if (nameCustomer) facts.push([words.customer, details.customer.name]);
  if (dueDate) {
    facts.push([words.due, `${f.date(dueDate)}${dueAssumed ? ` (${words.assumed})` : ''}`]);
  }
  if (open && !isZero(open.amount)) facts.push([words.openAmount, f.money(open)]);
  return (
    <>
      {facts.length > 0 && (
        <dl class={styles.facts}>
          {facts.map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      <Lines transaction={transaction} lines={details.lines} />
      <Applications transaction={transaction} applications={details.applications} />
      {details.ledgerUrl && (
        <p>
          <a href={details.ledgerUrl} target="_blank" rel="noopener noreferrer">
            {words.openLedger} ↗
          </a>
        </p>
      )}
    </>
  );
}

interface LinesProps {
  readonly transaction: Transaction;
  readonly lines: TransactionDetails['lines'];
}

function Lines({ transaction, lines }: LinesProps) {
  const language = useLanguage();
  const { t, f } = language;
  const words = t.transactions.details;
  if (lines.length === 0) return null;
  return (
    <table class={`${layout.table} ${styles.lines}`}>
      <caption class="heard">{words.linesOf(nameOf(language, transaction))}</caption>
      <thead>
        <tr>
          <th scope="col">{words.description}</th>
          <th scope="col" class={layout.amount}>
            {words.amount}
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map(({ description, quantity, unitPrice, amount }, index) => (
          <tr key={index}>
            <td>
              {description || words.noDescription}
              {quantity !== null && (
                <span class={styles.sub}>
                  {f.quantity(quantity)}
                  {unitPrice !== null &&
                    amount &&
                    ` × ${f.money({ amount: unitPrice, currency: amount.currency })}`}
                </span>
              )}
            </td>
            <td class={layout.amount}>{amount ? <Amount of={amount} /> : '—'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface ApplicationsProps {
  readonly transaction: Transaction;
  readonly applications: TransactionDetails['applications'];
}

function Applications({ transaction, applications }: ApplicationsProps) {
  const language = useLanguage();
  const { t, f } = language;
  const words = t.transactions.details;
  if (applications.length === 0) return null;
  return (
    <div>
      <p class={styles.label}>{isCredit(transaction) ? words.settles : words.settledBy}</p>
      <ul class={styles.applications}>
        {applications.map((application, index) => (
          <li key={index}>
            <span>
              {nameOf(language, application)}, {f.date(application.date)}
            </span>
            {application.amount && <Amount of={application.amount} />}
          </li>
        ))}
      </ul>
    </div>
  );
}
