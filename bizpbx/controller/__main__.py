"""`bizpbx serve`. Patching comes first: whatever is imported before it would block the loop."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402

from bizpbx.controller.daemon import main  # noqa: E402

sys.exit(main())
