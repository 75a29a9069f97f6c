import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { equal, type Json } from '../engine/state.ts';
import { edits, showPlan } from './difference.ts';
import { Terminal } from './terminal.ts';

describe('a readable difference', () => {
  test('goes into objects, and into lists by element', () => {
    const from = { block: { acls: false, policy: true }, statements: [{ Sid: 'a' }, { Sid: 'b' }] };
    const to = { block: { acls: true, policy: true }, statements: [{ Sid: 'b' }], tag: 'x' };
    expect(edits('bucket', from, to)).toEqual([
      { path: 'bucket.block.acls', from: false, to: true },
      { path: 'bucket.statements', from: { Sid: 'a' } },
      { path: 'bucket.tag', to: 'x' },
    ]);
  });

  test('shows a list whole when only its order changed', () => {
    expect(edits('groups', ['a', 'b'], ['b', 'a'])).toEqual([{ path: 'groups', from: ['a', 'b'], to: ['b', 'a'] }]);
  });

  test('is empty exactly when nothing differs', () => {
    const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
    fc.assert(fc.property(json, json, (a, b) => expect(edits('part', a, b).length === 0).toBe(equal(a, b))));
    fc.assert(fc.property(json, (a) => expect(edits('part', a, a)).toEqual([])));
  });

  test('is shown with what goes, comes and changes', () => {
    const stream = new PassThrough();
    showPlan({ before: { a: 1, b: true }, after: { a: 2, c: 'x' }, facts: {} }, new Terminal(stream));
    expect(String(stream.read()).split('\n')).toEqual(['    ~ a  1 -> 2', '    - b  true', '    + c  "x"', '']);
  });
});
