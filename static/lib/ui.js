// The one door to vendor/: components import from here, so that a library can be replaced in one place.
import { Fragment, h, render } from '../vendor/preact.js';
import { useEffect, useRef, useState } from '../vendor/hooks.js';
// Importing it also teaches components to follow the signals they read.
import { computed, effect, signal } from '../vendor/signals.js';
import htm from '../vendor/htm.js';

export const html = htm.bind(h);
export { Fragment, computed, effect, render, signal, useEffect, useRef, useState };
