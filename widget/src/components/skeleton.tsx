import { useLanguage } from '../i18n/language';
import styles from './skeleton.module.css';

/** The shape of what is about to come. */
export function Skeleton() {
  const { t } = useLanguage();
  const bone = (kind = '') => <div class={`${styles.bone} ${kind}`} />;
  return (
    <div class={styles.skeleton} aria-busy="true">
      <h1 class="heard">{t.states.loading}</h1>
      {bone(styles.verdict)}
      {bone(styles.name)}
      <div class={styles.figures}>
        {bone()}
        {bone()}
      </div>
      {bone(styles.meter)}
      {bone()}
      {bone()}
      {bone()}
    </div>
  );
}
