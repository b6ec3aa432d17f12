"""`bizpbx serve`. Patching comes first: whatever is imported before it would block the loop."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402 - after the patch

from bizpbx.controller.daemon import main  # noqa: E402 - after the patch

sys.exit(main())
