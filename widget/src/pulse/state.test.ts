import { describe, expect, it } from 'vitest';
import { PulseDocument, TransactionsDocument } from '../api/generated';
import type { Pulse } from '../api/types';
import { answerOf } from '../testing/answers';
import { firstRows, initial, moreRows, reduce, type Shown, type State } from './state';

const variables = { contactId: 'native:person:1', company: null };

async function shown(name = 'fine'): Promise<Shown> {
  const { viewer, contact } = await answerOf(name, PulseDocument, variables);
  const state = reduce(initial, { type: 'answered', viewer, contact });
  if (state.phase !== 'shown') throw new Error(state.phase);
  return state;
}

describe('the first answer', () => {
  it('shows a linked contact with its latest documents', async () => {
    const state = await shown();
    expect(state.documents.visible).toBe(firstRows);
    expect(state.documents.edges.length).toBe(20);
    expect(state.documents.hasMore).toBe(true);
  });

  it.each([
    ['notLinked', 'unlinked'],
    ['absent', 'absent'],
  ])('of %s is %s', async (name, phase) => {
    const { viewer, contact } = await answerOf(name, PulseDocument, variables);
    expect(reduce(initial, { type: 'answered', viewer, contact }).phase).toBe(phase);
  });
});

describe('a failure', () => {
  const failed = (
    state: State,
    code: 'NETWORK' | 'NOT_FOUND' | 'FORBIDDEN' | 'INTERNAL',
    online = true,
  ) => reduce(state, { type: 'failed', code, online });

  it('before anything was shown says what it is', () => {
    expect(failed(initial, 'NETWORK', false).phase).toBe('offline');
    expect(failed(initial, 'NETWORK').phase).toBe('failed');
    expect(failed(initial, 'NOT_FOUND').phase).toBe('absent');
    expect(failed(initial, 'FORBIDDEN').phase).toBe('forbidden');
  });

  it('of the network leaves the figures on the screen', async () => {
    const state = failed(await shown(), 'NETWORK', false);
    expect(state).toMatchObject({ phase: 'shown', live: false });
  });

  it('of the permission takes them away', async () => {
    expect(JSON.stringify(failed(await shown(), 'FORBIDDEN'))).not.toContain('4280');
  });
});

describe('the end of the session', () => {
  it('keeps nothing of what was shown', async () => {
    const state = reduce(await shown(), { type: 'ended', renewable: false, capped: false });
    expect(state).toEqual({ phase: 'ended', renewable: false, capped: false, renewing: false });
  });

  it('is not undone by what arrives late', async () => {
    const before = await shown();
    const ended = reduce(before, { type: 'ended', renewable: false, capped: false });
    expect(reduce(ended, { type: 'pushed', pulse: before.pulse })).toBe(ended);
    expect(reduce(ended, { type: 'live', live: true })).toBe(ended);
  });
});

describe('a pushed pulse', () => {
  it('takes the place of the one before', async () => {
    const before = await shown('chronicallyLate');
    const { pulse } = await shown('fine');
    const state = reduce(before, { type: 'pushed', pulse });
    expect(state).toMatchObject({ pulse, changes: 1 });
  });

  it('that is the same changes nothing to be told', async () => {
    const before = await shown();
    const same = structuredClone(before.pulse);
    const state = reduce(before, { type: 'pushed', pulse: same }) as Shown;
    expect(state.changes).toBe(0);
    expect(state.pulse).toBe(before.pulse);
  });

  it('with only a later look at the books is no news, but shows its age', async () => {
    const before = await shown();
    const pulse: Pulse = {
      ...before.pulse,
      freshness: { ...before.pulse.freshness, checkedAt: '2026-11-23T23:00:00Z' },
    };
    const state = reduce(before, { type: 'pushed', pulse }) as Shown;
    expect(state.changes).toBe(0);
    expect(state.pulse.freshness.checkedAt).toBe('2026-11-23T23:00:00Z');
  });

  it('drops the details of documents that changed and keeps those of the others', async () => {
    let state: State = await shown();
    const [first, second] = state.documents.edges;
    if (!first || !second) throw new Error('too few documents');
    for (const { node } of [first, second]) {
      state = reduce(state, { type: 'details', id: node.id, details: { is: 'loading' } });
    }
    const pulse = structuredClone((state as Shown).pulse);
    const changed = pulse.transactions.edges[0];
    if (changed) changed.node.status = 'PAID';
    const next = reduce(state, { type: 'pushed', pulse }) as Shown;
    expect(Object.keys(next.details)).toEqual(
      first.node.status === 'PAID' ? [first.node.id, second.node.id] : [second.node.id],
    );
  });
});

describe('more documents', () => {
  it('come page by page, each once, where the last page ended', async () => {
    let state: State = await shown();
    const { endCursor } = state.documents;
    state = reduce(state, { type: 'more' });
    expect((state as Shown).documents.visible).toBe(firstRows + moreRows);
    const { contact } = await answerOf('fine', TransactionsDocument, {
      ...variables,
      after: endCursor,
    });
    const page = contact?.pulse?.transactions;
    if (!page) throw new Error('no page');
    state = reduce(state, { type: 'pageLoaded', after: endCursor, page });
    const { documents } = state as Shown;
    expect(documents.hasMore).toBe(false);
    expect(documents.edges.length).toBe(documents.total);
    expect(new Set(documents.edges.map(({ node }) => node.id)).size).toBe(documents.total);
    // A page that belongs to a list which is gone is not added.
    expect(
      (reduce(state, { type: 'pageLoaded', after: 'gone', page }) as Shown).documents.edges,
    ).toBe(documents.edges);
  });
});
