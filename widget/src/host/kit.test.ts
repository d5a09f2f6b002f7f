import { afterEach, expect, it, vi } from 'vitest';
import { hearParentOnly } from './kit';

afterEach(() => {
  vi.restoreAllMocks();
});

it('another window is not heard by who listens later', () => {
  const parent = {} as Window;
  vi.spyOn(window, 'parent', 'get').mockReturnValue(parent);
  hearParentOnly(window);
  const heard: unknown[] = [];
  const listener = (event: MessageEvent): void => {
    heard.push(event.data);
  };
  window.addEventListener('message', listener);
  for (const [data, source] of [
    ['sibling', window],
    ['nobody', null],
    ['parent', parent],
  ] as const) {
    const event = new MessageEvent('message', { data });
    Object.defineProperty(event, 'source', { value: source });
    window.dispatchEvent(event);
  }
  window.removeEventListener('message', listener);
  expect(heard).toEqual(['parent']);
});
