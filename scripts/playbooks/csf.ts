const each = (category: string, ...numbers: number[]): string[] =>
  numbers.map((number) => `${category}-${String(number).padStart(2, '0')}`);
const upTo = (category: string, last: number): string[] =>
  each(category, ...Array.from({ length: last }, (_, index) => index + 1));

/**
 * The subcategories of the NIST Cybersecurity Framework 2.0. Numbers that are left out were withdrawn, or are of 1.1.
 * https://doi.org/10.6028/NIST.CSWP.29
 */
export const CSF: readonly string[] = [
  ...upTo('GV.OC', 5),
  ...upTo('GV.RM', 7),
  ...upTo('GV.RR', 4),
  ...upTo('GV.PO', 2),
  ...upTo('GV.OV', 3),
  ...upTo('GV.SC', 10),
  ...each('ID.AM', 1, 2, 3, 4, 5, 7, 8),
  ...upTo('ID.RA', 10),
  ...upTo('ID.IM', 4),
  ...upTo('PR.AA', 6),
  ...upTo('PR.AT', 2),
  ...each('PR.DS', 1, 2, 10, 11),
  ...upTo('PR.PS', 6),
  ...upTo('PR.IR', 4),
  ...each('DE.CM', 1, 2, 3, 6, 9),
  ...each('DE.AE', 2, 3, 4, 6, 7, 8),
  ...upTo('RS.MA', 5),
  ...each('RS.AN', 3, 6, 7, 8),
  ...each('RS.CO', 2, 3),
  ...upTo('RS.MI', 2),
  ...upTo('RC.RP', 6),
  ...each('RC.CO', 3, 4),
];
