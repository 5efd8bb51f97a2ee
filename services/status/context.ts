import type { Readings } from '../shared/store/readings.ts';

/** What the routes work with. */
export type StatusContext = {
  readings: Readings;
  /** Milliseconds between two scheduled sync runs. */
  syncInterval: number;
};
