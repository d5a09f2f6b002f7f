import type { InsightKind } from '../api/generated';
import type { CreditDecision, Insight, Pulse } from '../api/types';
import { useLanguage } from '../i18n/language';
import styles from './insights.module.css';

/** What a rep should know before the call. */
export function Insights({ pulse }: { readonly pulse: Pulse }) {
  const { t, f } = useLanguage();
  const insights = pulse.insights.filter(
    (insight, index, all) =>
      !isSaid(insight, pulse.decision) &&
      // Of two customers who are to reorder the same, the first stands for both.
      all.findIndex(({ kind, item }) => kind === insight.kind && item === insight.item) === index,
  );
  if (insights.length === 0) return null;
  return (
    <section aria-labelledby="insights">
      <h2 class="heard" id="insights">
        {t.insights}
      </h2>
      <ul class={styles.insights}>
        {insights.map((insight, index) => (
          <li key={index}>
            <svg class={styles.icon} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
              <path
                d={paths[insight.kind]}
                fill="none"
                stroke="currentColor"
                stroke-width="1.5"
                stroke-linecap="round"
                stroke-linejoin="round"
              />
            </svg>
            <span>{t.insight(f, insight, pulse.asOf)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Whether the answer gives the same as its reason already. */
const isSaid = ({ kind }: Insight, { reasons }: CreditDecision): boolean =>
  kind === 'LIMIT_NEARLY_USED' && reasons.some(({ code }) => code === 'NEAR_LIMIT');

const clock = 'M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5M8 4.5V8l2.25 1.5';
const gauge = 'M2 12a6.5 6.5 0 1 1 12 0M8 9.5l2.75-3.25';

/** A clock for time, an arriving arrow for money, a circle of arrows for a reorder, a gauge. */
const paths: Record<InsightKind, string> = {
  SUDDENLY_LATE: clock,
  CHRONICALLY_LATE: clock,
  UNAPPLIED_RECEIPT: 'M8 2v7.5m0 0L5 6.75M8 9.5l3-2.75M2.5 11v2.5h11V11',
  REORDER_DUE:
    'M13.5 8A5.5 5.5 0 0 1 3.6 11.3M2.5 8a5.5 5.5 0 0 1 9.9-3.3m.35-2.45V5H10M3.25 13.75V11H6',
  LIMIT_NEARLY_USED: gauge,
  LIMIT_EXPIRES: 'M2.5 3.5h11v10h-11zM2.5 6.5h11M5.5 2v3M10.5 2v3',
};
