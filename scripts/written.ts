/** A value of a YAML document, as text. A map may have a key `toString`, so that a list or map cannot be asked for it. */
export const written = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));
