import type { Balance, CurrencyBalance } from '../api/types';
import { forDrawing, isZero } from '../format/decimal';
import { useLanguage } from '../i18n/language';
import { Amount } from './amount';
import styles from './aging.module.css';
import layout from './layout.module.css';

/** What is owed, by how late it is: one bar and one table for each currency. */
export function Aging({ balance }: { readonly balance: Balance }) {
  const { t } = useLanguage();
  const owed = balance.byCurrency.filter(hasAging);
  if (owed.length === 0) return null;
  return (
    <section class={`${layout.section} ${layout.ruled}`} aria-labelledby="aging">
      <h2 class={layout.heading} id="aging">
        {t.aging.heading}
      </h2>
      {owed.map((one) => (
        <CurrencyAging key={one.currency} balance={one} named={owed.length > 1} />
      ))}
      {balance.assumedDueDates > 0 && (
        <p class={layout.small}>{t.aging.assumed(balance.assumedDueDates)}</p>
      )}
    </section>
  );
}

const hasAging = ({ aging }: CurrencyBalance): boolean =>
  aging.some(({ share }) => share !== null && !isZero(share));

interface CurrencyAgingProps {
  readonly balance: CurrencyBalance;
  /** Whether the currency is named: where there are several. */
  readonly named: boolean;
}

/** The table says all that the bar shows; the bar is for the eye alone. */
function CurrencyAging({ balance, named }: CurrencyAgingProps) {
  const { t, f } = useLanguage();
  const entries = balance.aging.filter(({ share }) => share !== null && !isZero(share));
  const { unappliedCredit } = balance;
  return (
    <>
      {named && <h3 class={layout.small}>{balance.currency}</h3>}
      <div class={styles.bar} aria-hidden="true">
        {entries.map(({ bucket, share }) => (
          <span
            key={bucket}
            class={`${styles.part} ${styles[bucket] ?? ''}`}
            style={{ flexGrow: forDrawing(share ?? '0') }}
          />
        ))}
      </div>
      <table class={layout.table}>
        <caption class="heard">{t.aging.caption(balance.currency)}</caption>
        <thead class="heard">
          <tr>
            <th scope="col">{t.aging.age}</th>
            <th scope="col">{t.aging.amount}</th>
          </tr>
        </thead>
        <tbody>
          {entries.map(({ bucket, amount, share }) => (
            <tr key={bucket}>
              <th scope="row">
                <span class={`${styles.swatch} ${styles[bucket] ?? ''}`} />
                {t.aging.bucket[bucket]}
              </th>
              <td class={layout.amount}>
                {amount ? <Amount of={amount} /> : share === null ? t.unknown : f.percent(share)}
              </td>
            </tr>
          ))}
          {unappliedCredit && !isZero(unappliedCredit.amount) && (
            <tr>
              <th scope="row">
                <span class={`${styles.swatch} ${styles.credit}`} />
                {t.aging.unapplied}
              </th>
              <td class={layout.amount}>
                −<Amount of={unappliedCredit} />
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </>
  );
}
