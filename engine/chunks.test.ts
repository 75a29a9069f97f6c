import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parcels } from './chunks.ts';

test('parcels have everything in order, no more than they may, and are no more than they must be', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 30 })), fc.integer({ min: 1, max: 5 }), (all, most) => {
      const bytes = 60;
      const parts = parcels(all, most, bytes);
      expect(parts.flat()).toEqual(all);
      const size = (part: readonly string[]) => Buffer.byteLength(JSON.stringify(part)) - 1;
      parts.forEach((part, index) => {
        expect(part.length).toBeGreaterThan(0);
        expect(part.length).toBeLessThanOrEqual(most);
        if (part.length > 1) expect(size(part)).toBeLessThanOrEqual(bytes);
        const next = parts[index + 1]?.[0];
        if (next !== undefined && part.length < most) expect(size([...part, next])).toBeGreaterThan(bytes);
      });
    }),
  );
});
