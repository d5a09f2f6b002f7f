import type { PaymentBehavior } from '../api/types';
import { isNegative } from '../format/decimal';
import { useLanguage, type Language } from '../i18n/language';
import styles from './behavior.module.css';
import layout from './layout.module.css';

/** A change by fewer days than this is none that anybody would act upon. */
const noticeableDays = 3;

/** How they pay, per currency, each figure with its method on demand. */
export function Behavior({ behaviors }: { readonly behaviors: readonly PaymentBehavior[] }) {
  const several = behaviors.length > 1;
  return (
    <>
      {behaviors.map((behavior) => (
        <InCurrency key={behavior.currency} behavior={behavior} several={several} />
      ))}
    </>
  );
}

interface InCurrencyProps {
  readonly behavior: PaymentBehavior;
  readonly several: boolean;
}

function InCurrency({ behavior, several }: InCurrencyProps) {
  const language = useLanguage();
  const { t, f } = language;
  const { currency, since, settledCount, settledByCreditCount, trend, method } = behavior;
  const id = `behavior-${currency}`;
  const facts: readonly (readonly [string, string])[] = [
    [t.behavior.averageDaysToPay, t.behavior.days(f, behavior.averageDaysToPay)],
    [t.behavior.currentDelay, delay(language, behavior.currentDelay)],
    [t.behavior.onTimeRate, f.percent(behavior.onTimeRate)],
    [t.behavior.onTimeRateByAmount, f.percent(behavior.onTimeRateByAmount)],
  ];
  return (
    <section class={`${layout.section} ${layout.ruled}`} aria-labelledby={id}>
      <h2 class={layout.heading} id={id}>
        {several ? t.behavior.headingIn(currency) : t.behavior.heading}
      </h2>
      <dl class={styles.facts}>
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {trend && <p>{trendWords(language, trend)}</p>}
      <details class={styles.method}>
        <summary class={layout.summary}>{t.behavior.method}</summary>
        <p class={layout.small}>{t.behavior.methodWords(method)}</p>
        <p class={layout.small}>{t.behavior.since(f.date(since), settledCount)}</p>
        {settledByCreditCount > 0 && (
          <p class={layout.small}>{t.behavior.byCredit(settledByCreditCount)}</p>
        )}
      </details>
    </section>
  );
}

/** Days against the due date, in words. */
function delay({ t, f }: Language, days: string): string {
  if (f.noDays(days)) return t.figures.onTime;
  return isNegative(days) ? t.figures.early(f, days) : t.figures.late(f, days);
}

function trendWords(language: Language, trend: NonNullable<PaymentBehavior['trend']>): string {
  const { t } = language;
  const { recent, earlier } = trend;
  // Words only: the comparison picks a sentence, no figure is made from it.
  const change = Number(recent) - Number(earlier);
  if (Math.abs(change) < noticeableDays) return t.behavior.steady;
  const sentence = change > 0 ? t.behavior.slower : t.behavior.faster;
  return sentence(delay(language, recent), delay(language, earlier));
}
