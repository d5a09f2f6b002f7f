import type { PurchaseYear } from '../api/types';
import { useLanguage } from '../i18n/language';
import type { Shown } from '../pulse/state';
import { Amount } from './amount';
import layout from './layout.module.css';
import styles from './purchases.module.css';

/** How many items are shown: the ones with the most spent on them come first. */
const topItems = 6;

interface PurchasesProps {
  readonly year: PurchaseYear;
  readonly purchases: Shown['purchases'];
  /** The day of the pulse: dates of its year go without it. */
  readonly today: string;
  readonly open: () => void;
}

/** What they buy: closed at first, asked for when it is opened. */
export function Purchases({ year, purchases, today, open }: PurchasesProps) {
  const { t, f } = useLanguage();
  const spend = year.netSpend.map((money) => f.money(money)).join(', ');
  return (
    <details
      class={`${layout.ruled} ${styles.purchases}`}
      onToggle={({ currentTarget }) => {
        if (currentTarget.open) open();
      }}
    >
      <summary>
        <h2 class={layout.heading}>{t.purchases.heading}</h2>
        {spend !== '' && (
          <span class={layout.small}>
            {spend} {t.purchases.spend(year.year)}
          </span>
        )}
      </summary>
      <div class={styles.content}>
        <Items year={year.year} purchases={purchases} today={today} retry={open} />
      </div>
    </details>
  );
}

interface ItemsProps {
  readonly year: number;
  readonly purchases: Shown['purchases'];
  readonly today: string;
  readonly retry: () => void;
}

function Items({ year, purchases, today, retry }: ItemsProps) {
  const { t, f } = useLanguage();
  if (!purchases || purchases.is === 'loading')
    return <p class={layout.soft}>{t.purchases.loading}</p>;
  if (purchases.is === 'failed') {
    return (
      <p role="alert">
        {t.purchases.failed} {t.errors[purchases.code]}{' '}
        <button type="button" class={layout.button} onClick={retry}>
          {t.states.retry}
        </button>
      </p>
    );
  }
  if (purchases.value.length === 0) return <p class={layout.soft}>{t.purchases.none(year)}</p>;
  return (
    <table class={layout.table}>
      <caption class="heard">{t.purchases.caption(year)}</caption>
      <thead class="heard">
        <tr>
          <th scope="col">{t.purchases.item}</th>
          <th scope="col">{t.purchases.spent}</th>
        </tr>
      </thead>
      <tbody>
        {purchases.value
          .slice(0, topItems)
          .map(({ name, quantity, netSpend, lastBought, nextDue }) => (
            <tr key={`${name} ${netSpend?.currency ?? ''}`}>
              <th scope="row">
                {quantity !== null && `${t.purchases.quantity(f.quantity(quantity))} `}
                {name}
                <span class={styles.when}>
                  {t.purchases.last(f.shortDate(lastBought, today))}
                  {nextDue !== null && ` · ${t.purchases.next(f.shortDate(nextDue, today))}`}
                </span>
              </th>
              <td class={layout.amount}>{netSpend ? <Amount of={netSpend} /> : '—'}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}
