import type { DecisionResult } from '../api/generated';
import type { CreditDecision } from '../api/types';
import { useLanguage } from '../i18n/language';
import { VerdictIcon } from './verdict-icon';
import styles from './verdict.module.css';

/** The answer to *may I sell more on account?*, and why, weightiest reason first. */
export function Verdict({ decision }: { readonly decision: CreditDecision }) {
  const { t, f } = useLanguage();
  return (
    <header class={styles.verdict} data-tone={decision.result}>
      <VerdictIcon result={decision.result} />
      <h1 class={styles.word} tabIndex={-1}>
        <span class="heard">{t.decision.label} </span>
        {t.decision[decision.result]}
      </h1>
      <ul class={styles.reasons} aria-label={t.decision.why}>
        {decision.reasons.map((reason) => (
          <li key={reason.code}>{t.reason(f, reason)}</li>
        ))}
      </ul>
    </header>
  );
}

/** The answer in one line, for one of several customers. */
export function SmallVerdict({ result }: { readonly result: DecisionResult }) {
  const { t } = useLanguage();
  return (
    <span class={styles.small} data-tone={result}>
      <VerdictIcon result={result} />
      {t.decision[result]}
    </span>
  );
}
