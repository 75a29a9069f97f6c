import type { Permission } from './remediation.ts';
import { canonical, type Json } from './state.ts';

/** The same permissions: those on the same resources under the same condition are one, with its actions in order. */
export function merged(permissions: readonly Permission[]): Permission[] {
  const groups = new Map<string, Permission>();
  for (const permission of permissions) {
    const { actions, resources, condition } = permission;
    const key = canonical([resources, (condition ?? null) as Json]);
    const all = new Set([...(groups.get(key)?.actions ?? []), ...actions]);
    groups.set(key, { ...permission, actions: [...all].sort() });
  }
  return [...groups.values()];
}
