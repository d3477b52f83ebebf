// Runs before anything is painted, so that no wrong colour flashes; everything else is a deferred module.
// data-theme is the choice (auto, light, dark), data-scheme what it comes to; WeUI reads its own attribute of body.
(function () {
  var query = window.matchMedia('(prefers-color-scheme: dark)');
  function apply() {
    var asked = /[?&]theme=(auto|light|dark)(?:&|$)/.exec(location.search);
    var choice = asked && asked[1];
    try {
      choice = choice || localStorage.getItem('wxgate.theme');
    } catch (blocked) { /* Storage may be forbidden: then the choice lives as long as the page. */ }
    choice = document.documentElement.dataset.choice || choice || 'auto';
    var scheme = choice === 'auto' ? (query.matches ? 'dark' : 'light') : choice;
    document.documentElement.dataset.theme = choice;
    document.documentElement.dataset.scheme = scheme;
    document.body.dataset.weuiTheme = scheme;
  }
  apply();
  document.addEventListener('wxgate:theme', apply);
  if (query.addEventListener) query.addEventListener('change', apply);
})();
