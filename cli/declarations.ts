import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const CLIENTS = /import\s*\{([^}]*)\}\s*from\s*'(@aws-sdk\/client-[a-z0-9-]+)'/g;

/**
 * From now on modules load without AWS's clients: each name that they import from one is undefined. What remediations
 * declare needs none of them, and to load them all takes longer than the rest of the command.
 * https://nodejs.org/docs/latest-v24.x/api/module.html#synchronous-hooks-accepted-by-moduleregisterhooks
 */
export function withoutClients(): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (!specifier.startsWith('@aws-sdk/client-') || !context.parentURL) return next(specifier, context);
      const source = readFileSync(fileURLToPath(context.parentURL), 'utf8');
      const names = [...source.matchAll(CLIENTS)]
        .filter(([, , client]) => client === specifier)
        .flatMap(([, imported = '']) => imported.split(','))
        .map((name) => name.trim())
        .filter((name) => name !== '' && !name.startsWith('type '));
      const module = `export const ${names.map((name) => `${name} = undefined`).join(', ')};`;
      return { url: `data:text/javascript,${encodeURIComponent(module)}`, format: 'module', shortCircuit: true };
    },
  });
}
