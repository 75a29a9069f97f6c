import { parse } from 'yaml';
import * as z from 'zod/mini';

/** Who takes on what fell short, by people: an entry for each that they named. */
const assignments = z.array(
  z.strictObject({
    /** Id of the scenario. */
    scenario: z.string(),
    /** What fell short, as the report has it: `response snapshots.privatize-rds-snapshot`. */
    about: z.string(),
    owner: z.string(),
    /** `2026-12-15`; by the severity when absent. */
    due: z.optional(z.iso.date()),
    ticket: z.optional(z.string()),
  }),
);
export type Assignment = z.infer<typeof assignments>[number];

/** Reads what people wrote about corrective actions. @param text YAML or JSON @throws when it has another form */
export const readAssignments = (text: string): readonly Assignment[] => assignments.parse(parse(text) ?? []);
