import { registerHooks } from 'node:module';
import type { Contract } from './contract.ts';

const FUNCTIONS = new URL('../functions/', import.meta.url);
const OUTSIDE_JEST = new URL('./outside-jest.ts', import.meta.url).href;

/**
 * What remediations are tried on, as their test files say it: a remediation has one test, which defines its specimens, and
 * whatever else tries it takes them from there. Not for use in Jest.
 * @param ids of remediations, in the order of the answer
 */
export async function contractsOf(ids: readonly string[]): Promise<readonly Contract[]> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === '@jest/globals' ? { url: OUTSIDE_JEST, shortCircuit: true } : next(specifier, context),
  });
  try {
    for (const id of ids) await import(new URL(`${id.replace('.', '/')}.test.ts`, FUNCTIONS).href);
    const { contracts } = await import('./contract.ts');
    return ids.map((id) => {
      const found = contracts.find(({ action }) => action.id === id);
      if (!found) throw new Error(`the test of ${id} does not call contract()`);
      return found;
    });
  } finally {
    hooks.deregister();
  }
}
