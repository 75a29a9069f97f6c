import { expect, test } from '@jest/globals';
import { sharedCloud } from '../local/contract.ts';
import { countCalls, FIXES } from '../scripts/bench/calls.ts';

test.each(FIXES.filter(({ budget }) => budget !== undefined))(
  'a fix stays within its budget of AWS calls: $name',
  async (fix) => {
    const { resource } = await countCalls(sharedCloud(), fix);
    // The calls themselves, so that a failure says which one is too many.
    expect(resource.slice(fix.budget)).toEqual([]);
    expect(resource).not.toEqual([]);
  },
);
