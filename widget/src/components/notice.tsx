import type { ComponentChildren } from 'preact';
import styles from './notice.module.css';

/** Shapes for what can stand in place of a pulse. */
const shapes = {
  lock: 'M9 14v-3.5a7 7 0 0 1 14 0V14M6.5 14h19v13h-19zM16 19v3',
  link: 'M13.5 18.5a5 5 0 0 0 7.1 0l4.9-4.9a5 5 0 1 0-7.1-7.1l-1.4 1.4M18.5 13.5a5 5 0 0 0-7.1 0l-4.9 4.9a5 5 0 1 0 7.1 7.1l1.4-1.4',
  away: 'M4 12a17 17 0 0 1 24 0M8.5 16.8a10.6 10.6 0 0 1 15 0M12.8 21.3a4.6 4.6 0 0 1 6.4 0M16 25.5h.01M5 4l22 24',
  trouble: 'M16 3a13 13 0 1 0 0 26 13 13 0 0 0 0-26M16 9.5v8M16 22.5h.01',
  none: 'M14 4.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19M21 21l6.5 6.5',
} as const;

interface NoticeProps {
  readonly shape: keyof typeof shapes;
  readonly title: string;
  readonly children: ComponentChildren;
}

/** What is shown in place of a pulse: what is the case, and what to do. */
export function Notice({ shape, title, children }: NoticeProps) {
  return (
    <div class={styles.notice}>
      <svg class={styles.icon} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <path
          d={shapes[shape]}
          fill="none"
          stroke="currentColor"
          stroke-width="2.5"
          stroke-linecap="round"
          stroke-linejoin="round"
        />
      </svg>
      <h1 class={styles.word} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </div>
  );
}
