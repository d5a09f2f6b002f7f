import type { ContactLink, Customer, Pulse, PulsePart } from '../api/types';
import { isNegative } from '../format/decimal';
import { useLanguage, type Language } from '../i18n/language';
import styles from './customer.module.css';
import layout from './layout.module.css';
import { SmallVerdict } from './verdict';

interface CustomerProps {
  readonly link: ContactLink;
  readonly pulse: Pulse;
}

/** Whose figures these are, and why this customer's. */
export function CustomerShown({ link, pulse }: CustomerProps) {
  const language = useLanguage();
  const { t } = language;
  const [only] = link.customers;
  if (!only) return null;
  const several = link.customers.length > 1;
  const way =
    link.state === 'COMPANY'
      ? link.companySigned === true
        ? t.customer.viaCompany
        : t.customer.viaCompanyUnsigned
      : several
        ? t.customer.own
        : t.customer.origin[only.origin];
  const { customer } = only;
  return (
    <section aria-label={t.customer.parts}>
      <h2 class={styles.name}>
        {several ? t.customer.several(link.customers.length) : nameOf(language, customer.name)}
        {!several && !customer.active && <span class={layout.aside}> ({t.customer.inactive})</span>}
      </h2>
      <p class={layout.small}>
        {way}
        {!several && ` · ${booksOf(language, customer)}`}
      </p>
      {several && <Parts parts={pulse.parts} />}
    </section>
  );
}

/** The books that a customer is in: *Harbor Supply in QuickBooks*. */
export function booksOf({ t }: Language, { connection }: Pick<Customer, 'connection'>): string {
  const { organization, provider } = connection;
  return t.customer.books(organization, t.customer.provider[provider] ?? provider);
}

/** A customer's name; its number stands for it until the first load has read the name. */
const nameOf = ({ t }: Language, name: string): string =>
  /^\d+$/.test(name) ? t.customer.numbered(name) : name;

function Parts({ parts }: { readonly parts: readonly PulsePart[] }) {
  const language = useLanguage();
  return (
    <ul class={styles.parts}>
      {parts.map((part) => (
        <li key={part.customer.id}>
          <span class={styles.partName}>{nameOf(language, part.customer.name)}</span>
          <SmallVerdict result={part.decision.result} />
          <span class={styles.partBalance}>{balanceWords(language, part)}</span>
        </li>
      ))}
    </ul>
  );
}

/** What a part owes, in one line. */
function balanceWords({ t, f }: Language, { balance, credit }: PulsePart): string {
  if (!balance) return `${t.figures.outstanding}: ${t.unknown}`;
  const owed = balance.byCurrency.map(({ currency, outstanding, outstandingBand }) => {
    if (!outstanding) return `${currency} ${t.band.outstanding[outstandingBand]}`;
    const amount = f.moneyMagnitude(outstanding);
    return isNegative(outstanding.amount) ? `${amount} ${t.figures.inCredit}` : amount;
  });
  const words = [
    `${t.figures.outstanding}: ${owed.length > 0 ? owed.join(', ') : t.figures.nothing}`,
  ];
  if (credit?.headroom) {
    const label = isNegative(credit.headroom.amount) ? t.figures.overLimit : t.figures.credit;
    words.push(`${label}: ${f.moneyMagnitude(credit.headroom)}`);
  }
  return words.join(' · ');
}
