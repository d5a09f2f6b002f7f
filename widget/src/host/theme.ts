import { isTheme } from './messages';

/** Shows the page in a theme: light, dark, or the system's. Whatever else is asked changes nothing. */
export function showTheme(theme: unknown, root: HTMLElement = document.documentElement): void {
  if (!isTheme(theme)) return;
  if (theme === 'auto') delete root.dataset.theme;
  else root.dataset.theme = theme;
}
