import type { DecisionResult } from '../api/generated';
import styles from './verdict.module.css';

/** A shape of its own for each answer, so that none is told by color alone. */
export function VerdictIcon({ result }: { readonly result: DecisionResult }) {
  return (
    <svg class={styles.icon} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      {shapes[result]}
    </svg>
  );
}

const stroke = {
  fill: 'none',
  stroke: 'var(--glyph)',
  'stroke-width': 3.25,
  'stroke-linecap': 'round',
  'stroke-linejoin': 'round',
} as const;

const shapes = {
  OK: (
    <>
      <circle cx="16" cy="16" r="15" fill="currentColor" />
      <path d="m9.5 16.6 4.6 4.6 8.6-9.6" {...stroke} />
    </>
  ),
  CAUTION: (
    <>
      <path
        d="M13.6 3.6a2.8 2.8 0 0 1 4.8 0l12 21.2a2.8 2.8 0 0 1-2.4 4.2H4a2.8 2.8 0 0 1-2.4-4.2z"
        fill="currentColor"
      />
      <path d="M16 11.5v7.2" {...stroke} />
      <circle cx="16" cy="24" r="1.9" fill="var(--glyph)" />
    </>
  ),
  HOLD: (
    <>
      <path
        d="M10.2 1h11.6L31 10.2v11.6L21.8 31H10.2L1 21.8V10.2z"
        fill="currentColor"
        stroke="currentColor"
        stroke-linejoin="round"
      />
      <path d="M9.5 16h13" {...stroke} stroke-width={4} />
    </>
  ),
  UNKNOWN: (
    <>
      <circle
        cx="16"
        cy="16"
        r="13.75"
        fill="none"
        stroke="currentColor"
        stroke-width="2.5"
        stroke-dasharray="5.2 3.44"
      />
      <path
        d="M12.4 12.6a3.7 3.7 0 1 1 5.5 3.3c-1.2.7-1.9 1.4-1.9 2.6"
        {...stroke}
        stroke="currentColor"
        stroke-width={2.5}
      />
      <circle cx="16" cy="22.6" r="1.6" fill="currentColor" />
    </>
  ),
} satisfies Record<DecisionResult, unknown>;
