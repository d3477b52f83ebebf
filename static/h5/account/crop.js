// Cuts a square out of a picture: dragged, zoomed, or moved by the arrow keys. What is seen is what is sent.
import { html, useEffect, useRef, useState } from '../../lib/ui.js';
import { t } from '../../lib/i18n.js';
import { Dialog } from '../../parts/dialog.js';

/** The largest of the sizes the gateway keeps. */
const SIDE = 640;
const QUALITY = 0.9;
const STEP = 12;
const ARROWS = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };

/** Where the picture lies under the square `stage`: never so that a corner of the square is empty. */
function place({ width, height, stage }, zoom, center) {
  const scale = (stage / Math.min(width, height)) * zoom;
  const clamp = (offset, length) => Math.min(0, Math.max(stage - length * scale, offset));
  return { scale, x: clamp(stage / 2 - center.x * scale, width), y: clamp(stage / 2 - center.y * scale, height) };
}

export function Crop({ file, onDone, onCancel, onBroken }) {
  const [url, setUrl] = useState(null);
  const [size, setSize] = useState(null);
  const [zoom, setZoom] = useState(1);
  const [center, setCenter] = useState(null);
  const stage = useRef(null);
  const picture = useRef(null);
  const drag = useRef(null);
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);

  function loaded({ currentTarget: { naturalWidth: width, naturalHeight: height } }) {
    setSize({ width, height, stage: stage.current.clientWidth });
    setCenter({ x: width / 2, y: height / 2 });
  }
  const at = size && place(size, zoom, center);
  /** By pixels of the screen; what cannot be reached is not remembered. */
  function move(dx, dy) {
    if (!at) return;
    const wanted = { x: (size.stage / 2 - at.x - dx) / at.scale, y: (size.stage / 2 - at.y - dy) / at.scale };
    const got = place(size, zoom, wanted);
    setCenter({ x: (size.stage / 2 - got.x) / got.scale, y: (size.stage / 2 - got.y) / got.scale });
  }
  function key(event) {
    const by = ARROWS[event.key];
    if (!by) return;
    event.preventDefault();
    move(...by);
  }
  function cut() {
    if (!at) return;
    const canvas = document.createElement('canvas');
    canvas.width = SIDE;
    canvas.height = SIDE;
    const context = canvas.getContext('2d');
    // A transparent picture gets white, because JPEG would make it black.
    context.fillStyle = '#fff';
    context.fillRect(0, 0, SIDE, SIDE);
    const side = size.stage / at.scale;
    context.drawImage(picture.current, -at.x / at.scale, -at.y / at.scale, side, side, 0, 0, SIDE, SIDE);
    canvas.toBlob((blob) => (blob ? onDone(blob) : onBroken()), 'image/jpeg', QUALITY);
  }
  const down = (event) => {
    drag.current = [event.clientX, event.clientY];
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const dragged = (event) => {
    if (!drag.current) return;
    const [x, y] = drag.current;
    drag.current = [event.clientX, event.clientY];
    move(event.clientX - x, event.clientY - y);
  };
  const up = () => { drag.current = null; };
  const style = at ? { width: `${size.width * at.scale}px`, height: `${size.height * at.scale}px`, transform: `translate(${at.x}px, ${at.y}px)` } : null;
  return html`
    <${Dialog} title=${t('crop.title')} onCancel=${onCancel} actions=${html`
      <button type="button" class="weui-btn weui-btn_primary" data-use onClick=${cut}>${t('crop.use')}</button>`}>
      <div ref=${stage} class="crop" tabindex="0" role="application" aria-label=${t('crop.stage')} onKeyDown=${key}
        onPointerDown=${down} onPointerMove=${dragged} onPointerUp=${up} onPointerCancel=${up}>
        ${url && html`<img ref=${picture} src=${url} alt="" draggable=${false} style=${style} onLoad=${loaded} onError=${onBroken} />`}
      </div>
      <p class="note">${t('crop.hint')}</p>
      <label class="zoom"><span>${t('crop.zoom')}</span>
        <input type="range" min="1" max="4" step="0.05" value=${zoom} onInput=${(event) => setZoom(Number(event.currentTarget.value))} /></label>
    <//>`;
}
